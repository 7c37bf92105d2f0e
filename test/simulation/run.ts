import type { Tamper, TraceEntry } from './host.js';
import { makePlan, type Plan } from './plan.js';
import { Violation } from './violation.js';
import { World } from './world.js';

export interface Run {
  readonly plan: Plan;
  readonly events: number;
  readonly crashes: number;
  readonly violation: Violation | undefined;
  readonly trace: readonly TraceEntry[];
}

export interface RunSettings {
  /** A defect to be put in. */
  readonly tamper?: () => Tamper;
  readonly hasty?: boolean;
}

/** Runs a plan to its end or to the first violation. The same plan gives the same run. */
export function runPlan(plan: Plan, { tamper, hasty }: RunSettings = {}): Run {
  const world = new World(plan, tamper?.(), hasty ?? false);
  let violation: Violation | undefined;
  try {
    world.run();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
  }
  const { events, crashes, trace } = world.host;
  return { plan, events, crashes, violation, trace };
}

export function runSeed(seed: number, settings: RunSettings = {}): Run {
  return runPlan(makePlan(seed), settings);
}
