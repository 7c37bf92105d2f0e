import type { Decision, PhaseTwo, PhaseTwoResult } from '../../protocol/frames.js';
import type { Logger } from '../logger.js';
import type { PhaseTwoAnswer, Resource } from './resource.js';

interface LaneLimits {
  /** Branches handed over in one call. */
  readonly group: number;
  /** Calls under way at once, for one resource. */
  readonly calls: number;
}

/**
 * Cleaning up after commits is deleting rows: many in one call. A compensation is a local transaction of its
 * own, and may have to wait for a row: one in each call, so that no answer waits for a stranger's row.
 */
const LIMITS: { readonly [Name in Decision]: LaneLimits } = {
  COMMIT: { group: 500, calls: 2 },
  ROLLBACK: { group: 1, calls: 8 },
};

/** One branch to be ended. Pushes that repeat it while it waits or is under way are answered with it. */
interface Task {
  readonly push: PhaseTwo;
  readonly attempts: Set<number>;
}

interface Lane {
  readonly limits: LaneLimits;
  readonly waiting: Map<string, Task>;
  readonly running: Map<string, Task>;
  calls: number;
  starting: boolean;
}

type Find = (resourceId: string) => Resource | undefined;
type Send = (result: PhaseTwoResult) => void;

/** A push that brings what a person has decided is not answered with an attempt that knew nothing of it. */
function taskKey(push: PhaseTwo): string {
  return `${push.xid}/${push.branchId}/${push.resolution}`;
}

/** Hands the coordinator's phase-two pushes to their resources, grouped by resource and decision. */
export class PhaseTwoDispatcher {
  readonly #lanes = new Map<string, Lane>();
  readonly #find: Find;
  readonly #send: Send;
  readonly #logger: Logger;

  constructor(find: Find, send: Send, logger: Logger) {
    this.#find = find;
    this.#send = send;
    this.#logger = logger;
  }

  /** Whether any branch waits or is under way. */
  get busy(): boolean {
    return this.#lanes.size > 0;
  }

  accept(pushes: readonly PhaseTwo[]): void {
    for (const push of pushes) this.#enqueue(push);
  }

  #enqueue(push: PhaseTwo): void {
    const name = `${push.decision}/${push.resourceId}`;
    const lane = this.#lanes.get(name) ?? newLane(push.decision);
    this.#lanes.set(name, lane);
    const known = lane.running.get(taskKey(push)) ?? lane.waiting.get(taskKey(push));
    if (known !== undefined) {
      known.attempts.add(push.attempt);
      return;
    }
    lane.waiting.set(taskKey(push), { push, attempts: new Set([push.attempt]) });
    this.#startSoon(name, lane);
  }

  /** After this turn of the event loop, so that what came in one packet travels in one call. */
  #startSoon(name: string, lane: Lane): void {
    if (lane.starting) return;
    lane.starting = true;
    setImmediate(() => {
      lane.starting = false;
      this.#start(name, lane);
    });
  }

  #start(name: string, lane: Lane): void {
    while (lane.calls < lane.limits.calls) {
      const group = takeGroup(lane);
      if (group.length === 0) break;
      lane.calls += 1;
      void this.#carryOut(group).then((answers) => {
        lane.calls -= 1;
        for (const [index, task] of group.entries()) {
          lane.running.delete(taskKey(task.push));
          this.#answer(task, answers[index]);
        }
        this.#start(name, lane);
      });
    }
    if (lane.calls === 0 && lane.waiting.size === 0) this.#lanes.delete(name);
  }

  async #carryOut(group: readonly Task[]): Promise<readonly PhaseTwoAnswer[]> {
    const pushes = group.map((task) => task.push);
    const resourceId = pushes[0]?.resourceId ?? '';
    const resource = this.#find(resourceId);
    if (resource === undefined) {
      const detail = `this process has no resource '${resourceId}' any more`;
      return pushes.map(() => ({ outcome: 'PHASE_TWO_RETRY', code: 'NOT_CONNECTED', detail }));
    }
    try {
      return await resource.phaseTwo(pushes);
    } catch (error) {
      this.#logger.error({ err: error, resourceId, xid: pushes[0]?.xid }, 'phase two of a resource threw');
      return pushes.map(() => ({ outcome: 'PHASE_TWO_RETRY', code: 'INTERNAL', detail: String(error) }));
    }
  }

  #answer(task: Task, answer: PhaseTwoAnswer | undefined): void {
    const { outcome, code, detail } = answer ?? {
      outcome: 'PHASE_TWO_RETRY',
      code: 'INTERNAL',
      detail: 'the resource gave fewer answers than it was given branches',
    };
    const { xid, branchId, decision } = task.push;
    const facts = { xid, branchId, decision, outcome, code, detail };
    if (outcome === 'PHASE_TWO_NEEDS_ATTENTION')
      this.#logger.error(facts, `a branch needs a person: ${detail}`);
    else if (code === 'NOT_CONNECTED')
      // A pool that was ended leaves the rest to whoever has the resource still, or has it next.
      this.#logger.debug(facts, `phase two is left to another process: ${detail}`);
    else if (outcome === 'PHASE_TWO_RETRY')
      this.#logger.warn(facts, `phase two will be tried again: ${detail}`);
    else this.#logger.debug(facts, 'phase two is done');
    for (const attempt of task.attempts) {
      this.#send({ xid, branchId, decision, outcome, code, detail, attempt });
    }
  }
}

function newLane(decision: Decision): Lane {
  return { limits: LIMITS[decision], waiting: new Map(), running: new Map(), calls: 0, starting: false };
}

/** The oldest that may start: branches of one transaction are rolled back one at a time. */
function takeGroup(lane: Lane): Task[] {
  const group: Task[] = [];
  const busy = new Set([...lane.running.values()].map((task) => task.push.xid));
  for (const [key, task] of lane.waiting) {
    if (group.length === lane.limits.group) break;
    if (task.push.decision === 'ROLLBACK' && busy.has(task.push.xid)) continue;
    lane.waiting.delete(key);
    lane.running.set(key, task);
    group.push(task);
  }
  return group;
}
