import { callBranch, runBranch } from './branch-model.js';
import { type Routine, until } from './coroutine.js';
import type { PlannedTransaction, Step } from './plan.js';
import type { Process } from './process.js';

/** What the launcher was told. */
export type Told = 'committed' | 'rolled back' | 'unknown' | 'nothing';

const DEADLINE_MS = 60_000;

/** What the function that is wrapped in a global transaction does, and the commit or rollback after it. */
export function* runTransaction(process: Process, planned: PlannedTransaction, xid: string): Routine<Told> {
  const isRemote = planned.steps.some((step) => step.process !== process.slot);
  if (isRemote || planned.sideBySide) {
    const begin = { xid, name: 'simulated', timeoutMs: planned.timeoutMs };
    const answer = yield* process.request({ body: 'begin', begin }, DEADLINE_MS);
    if (answer?.body !== 'done') return 'rolled back';
  }
  const succeeded = planned.sideBySide
    ? yield* sideBySide(process, planned, xid)
    : yield* oneByOne(process, planned, xid);
  if (planned.end === 'walk away') return 'nothing';
  if ((!succeeded && !planned.stubborn) || planned.end === 'rollback') return yield* rollBack(process, xid);
  return yield* commit(process, xid);
}

function runStep(process: Process, planned: PlannedTransaction, xid: string, step: Step): Routine<boolean> {
  if (step.process === process.slot) return runBranch(process, planned, xid, step, true);
  return callBranch(process, process.world.process(step.process), planned, xid, step);
}

function* oneByOne(process: Process, planned: PlannedTransaction, xid: string): Routine<boolean> {
  for (const step of planned.steps) {
    if (!(yield* runStep(process, planned, xid, step))) return false;
  }
  return true;
}

function* sideBySide(process: Process, planned: PlannedTransaction, xid: string): Routine<boolean> {
  return yield* until<boolean>((resume) => {
    let left = planned.steps.length;
    let succeeded = true;
    for (const step of planned.steps) {
      process.run(runStep(process, planned, xid, step), (result) => {
        succeeded &&= result;
        left--;
        if (left === 0) resume(succeeded);
      });
    }
  });
}

function* commit(process: Process, xid: string): Routine<Told> {
  const answer = yield* process.request({ body: 'commit', commit: { xid } }, DEADLINE_MS);
  if (answer?.body !== 'transaction') return 'unknown';
  switch (answer.transaction.status) {
    case 'COMMITTING':
    case 'COMMITTED':
      return 'committed';
    case 'ROLLING_BACK':
    case 'ROLLED_BACK':
    case 'NEEDS_ATTENTION':
      return 'rolled back';
    case 'ACTIVE':
    case 'NOT_FOUND':
      return 'unknown';
  }
}

function* rollBack(process: Process, xid: string): Routine<Told> {
  const rollback = { xid, reason: 'simulated', waitMs: 5_000 };
  const answer = yield* process.request({ body: 'rollback', rollback }, DEADLINE_MS);
  return answer === undefined ? 'unknown' : 'rolled back';
}
