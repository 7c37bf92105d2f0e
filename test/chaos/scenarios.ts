import type { Scenario } from './scenario.js';
import { DIRTY_WRITE } from './scenarios/dirty-write.js';
import { FAULTY_TRAFFIC } from './scenarios/faulty-traffic.js';
import { FRAMES } from './scenarios/frames.js';
import { LATE_PHASE_ONE } from './scenarios/late-phase-one.js';
import { OPPOSITE_ORDER } from './scenarios/opposite-order.js';

/** The runs of real processes, by the names that they have in the table of what must hold. */
export const SCENARIOS: readonly Scenario[] = [
  ...FAULTY_TRAFFIC,
  FRAMES,
  LATE_PHASE_ONE,
  DIRTY_WRITE,
  OPPOSITE_ORDER,
];
