import type { Scenario } from './scenario.js';
import { FAULTY_TRAFFIC } from './scenarios/faulty-traffic.js';

export const SCENARIOS: readonly Scenario[] = [...FAULTY_TRAFFIC];
