import type { LockSet, RegisterBranch } from '../../src/protocol/frames.js';
import { type Routine, until } from './coroutine.js';
import { LocalTransaction, undoKey } from './database.js';
import type { PlannedTransaction, Step } from './plan.js';
import type { Process } from './process.js';
import { must } from './violation.js';
import { resourceName, type World } from './world.js';

const DATABASE_WAIT_MS = 8_000;

function lockSet(resource: number, table: string, rows: readonly number[], mode: LockSet['mode']): LockSet {
  return { resourceId: resourceName(resource), table, mode, keys: rows.map((row) => `PRIMARY/${row}`) };
}

interface Registering {
  readonly xid: string;
  readonly step: Step;
  readonly timeoutMs: number;
  /** The launcher's: begin rides along. */
  readonly begins: boolean;
}

function frameOf(
  process: Process,
  { xid, step, timeoutMs, begins }: Registering,
  locks: LockSet[],
  more: Partial<RegisterBranch> = {},
): RegisterBranch {
  return {
    xid,
    begin: begins ? { xid, name: 'simulated', timeoutMs } : null,
    requestId: process.newName(),
    resourceId: resourceName(step.resource),
    kind: 'AT',
    locks,
    lockWaitMs: step.lockWaitMs,
    branchId: '',
    locksOnly: false,
    ...more,
  };
}

/** @returns the branch's id, or undefined when it was refused or never answered */
function* register(process: Process, frame: RegisterBranch): Routine<string | undefined> {
  const answer = yield* process.request(
    { body: 'registerBranch', registerBranch: frame },
    frame.lockWaitMs + 20_000,
  );
  if (answer?.body !== 'branchRegistered') return undefined;
  const { branchId } = answer.branchRegistered;
  const { xid, resourceId, locksOnly, locks, requestId } = frame;
  process.world.checks.acknowledged(
    `${process.clientId} ${requestId}`,
    { xid, branchId, resourceId, locksOnly },
    locks,
    frame.branchId !== '',
  );
  return branchId;
}

/** One local transaction with all the steps of AT's phase one. @returns whether its changes are committed */
export function* runBranch(
  process: Process,
  planned: PlannedTransaction,
  xid: string,
  step: Step,
  begins: boolean,
): Routine<boolean> {
  for (let attempt = 1; attempt <= step.tries; attempt++) {
    const outcome = yield* tryBranch(process, { xid, step, timeoutMs: planned.timeoutMs, begins });
    if (outcome !== 'again') return outcome === 'committed';
    yield* process.sleep(20);
  }
  return false;
}

function* tryBranch(process: Process, registering: Registering): Routine<'committed' | 'failed' | 'again'> {
  const { world } = process;
  const { step } = registering;
  const database = world.database(step.resource);
  const local = new LocalTransaction();
  process.opened(local, database);
  const giveUp = (outcome: 'failed' | 'again') => {
    database.rollback(local);
    process.closed(local);
    return outcome;
  };
  const rows = step.changes.map(({ row }) => row);
  for (const { row, delta } of step.changes) {
    if (!(yield* database.lock(local, `row ${row}`, DATABASE_WAIT_MS))) return giveUp('again');
    const { value, version } = database.read(local, row);
    database.write(local, row, { value: value + delta, version });
  }
  yield* process.sleep(step.thinkMs);
  const own = lockSet(step.resource, 'account', rows, 'EXCLUSIVE');
  if (step.forUpdate) {
    const branchId = yield* register(process, frameOf(process, registering, [own], { locksOnly: true }));
    if (branchId === undefined) return giveUp('again');
    checkRead(world, local, registering.xid, step);
  }
  const parents = step.parents.map(({ resource, row }) => lockSet(resource, 'parent', [row], 'SHARED'));
  const branchId = yield* register(process, frameOf(process, registering, [own, ...parents]));
  if (branchId === undefined) return giveUp('again');
  checkRead(world, local, registering.xid, step);
  const report = (outcome: 'PHASE_ONE_DONE' | 'PHASE_ONE_FAILED' | 'PHASE_ONE_UNKNOWN') => {
    if (outcome === 'PHASE_ONE_FAILED') world.checks.failed(branchId);
    process.report({ body: 'reportBranch', reportBranch: { xid: registering.xid, branchId, outcome } });
  };
  if (step.addsLocks) {
    const more = [lockSet(step.resource, 'parent', rows, 'EXCLUSIVE')];
    if ((yield* register(process, frameOf(process, registering, more, { branchId }))) === undefined) {
      giveUp('again');
      report('PHASE_ONE_FAILED');
      return 'again';
    }
  }
  yield* process.sleep(step.dawdleMs);
  const key = undoKey(registering.xid, branchId);
  const isFree = yield* database.lock(local, `undo ${key}`, DATABASE_WAIT_MS);
  if (!isFree || database.writeUndo(local, key) === 'defence record met' || step.localCommit === 'fails') {
    giveUp('failed');
    report('PHASE_ONE_FAILED');
    return 'failed';
  }
  yield* process.sleep(world.dice.under(3));
  if (step.localCommit === 'unknown, failed') {
    giveUp('failed');
  } else {
    database.commit(local);
    process.closed(local);
    world.committedLocally(registering.xid, branchId, step);
  }
  report(step.localCommit === 'done' ? 'PHASE_ONE_DONE' : 'PHASE_ONE_UNKNOWN');
  return step.localCommit === 'done' ? 'committed' : 'failed';
}

/** Under the global lock, what was read is globally committed, but for the transaction's own changes. */
function checkRead(world: World, local: LocalTransaction, xid: string, step: Step): void {
  if (local.isOver) return;
  for (const { row } of step.changes) {
    const before = local.images.get(row)?.before.value;
    const expected = world.committedValue(step.resource, row) + world.changedBy(xid, step.resource, row);
    must(
      before === expected,
      'nobody reads what is not decided',
      () => `${xid} read ${before} in row ${row} of ${resourceName(step.resource)}; committed is ${expected}`,
    );
  }
}

/** Runs a branch in another process, as a service call does. @returns false also when that process dies */
export function* callBranch(
  caller: Process,
  callee: Process,
  planned: PlannedTransaction,
  xid: string,
  step: Step,
): Routine<boolean> {
  yield* caller.sleep(caller.world.dice.between(1, 3));
  if (!callee.isAlive) return false;
  return yield* until<boolean>((resume) => {
    const forget = callee.onDeath(() => resume(false));
    callee.run(runBranch(callee, planned, xid, step, false), (result) => {
      forget();
      resume(result);
    });
  });
}
