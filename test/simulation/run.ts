import type { Defect, TraceEntry } from './host.js';
import { makePlan, type Plan } from './plan.js';
import { Violation } from './violation.js';
import { World } from './world.js';

export interface Run {
  readonly plan: Plan;
  readonly events: number;
  readonly crashes: number;
  /** Writes of the store. */
  readonly writes: number;
  readonly violation: Violation | undefined;
  /** How often which answer or push was sent. */
  readonly met: ReadonlyMap<string, number>;
  readonly trace: readonly TraceEntry[];
}

/** Makes a defect afresh for each run; without one the coordinator is as it is. */
export type MakeDefect = () => Defect;

const NO_DEFECT: MakeDefect = () => ({});

/** Runs a plan to its end or to the first violation. The same plan gives the same run. */
export function runPlan(plan: Plan, makeDefect: MakeDefect = NO_DEFECT): Run {
  const world = new World(plan, makeDefect());
  let violation: Violation | undefined;
  try {
    world.run();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
  }
  const { events, crashes, writes, trace } = world.host;
  return { plan, events, crashes, writes, violation, met: world.checks.met, trace };
}

export function runSeed(seed: number, makeDefect: MakeDefect = NO_DEFECT): Run {
  return runPlan(makePlan(seed), makeDefect);
}
