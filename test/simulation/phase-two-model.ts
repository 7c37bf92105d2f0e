import type { PhaseTwo, PhaseTwoOutcome } from '../../src/protocol/frames.js';
import type { Routine } from './coroutine.js';
import { type Database, LocalTransaction, undoKey } from './database.js';
import type { Process } from './process.js';
import { must } from './violation.js';

const DATABASE_WAIT_MS = 1_000;

/** Does what AT does when phase two of a branch is pushed to a process, and answers. */
export function handlePush(process: Process, push: PhaseTwo): void {
  const { world } = process;
  const { xid, branchId, decision, attempt } = push;
  const database = world.databases.get(push.resourceId);
  must(database !== undefined, 'phase two goes where its resource is', () => push.resourceId);
  if (database === undefined) return;
  process.run(carryOut(process, database, push), (outcome) => {
    process.tell({
      body: 'phaseTwoResult',
      phaseTwoResult: { xid, branchId, decision, outcome, code: '', detail: '', attempt },
    });
  });
}

function* carryOut(process: Process, database: Database, push: PhaseTwo): Routine<PhaseTwoOutcome> {
  const { world } = process;
  yield* process.sleep(world.dice.under(5));
  if (world.isFaulty && world.dice.chance(world.options.retryAnswers)) return 'PHASE_TWO_RETRY';
  if (push.decision === 'COMMIT') {
    database.undo.delete(undoKey(push.xid, push.branchId));
    return 'PHASE_TWO_DONE';
  }
  const local = new LocalTransaction();
  process.opened(local, database);
  const outcome = yield* rollBack(process, database, local, push);
  if (outcome === 'PHASE_TWO_DONE') {
    database.commit(local);
    world.checks.compensated(push.branchId);
  } else {
    database.rollback(local);
  }
  process.closed(local);
  return outcome;
}

function* rollBack(
  process: Process,
  database: Database,
  local: LocalTransaction,
  push: PhaseTwo,
): Routine<PhaseTwoOutcome> {
  const key = undoKey(push.xid, push.branchId);
  if (!(yield* database.lock(local, `undo ${key}`, DATABASE_WAIT_MS))) return 'PHASE_TWO_RETRY';
  const undo = database.undo.get(key);
  if (undo === undefined) {
    must(!push.phaseOneDone, 'phase one is said to be done only when it is', () => key);
    database.writeDefence(local, key);
    return 'PHASE_TWO_DONE';
  }
  if (undo === 'defence') return 'PHASE_TWO_DONE';
  for (const { row } of undo) {
    if (!(yield* database.lock(local, `row ${row}`, DATABASE_WAIT_MS))) return 'PHASE_TWO_RETRY';
  }
  for (const { row, after } of undo) {
    const present = database.read(local, row);
    must(
      present.value === after.value,
      'nobody overwrites a change that is not decided',
      () => `${push.resourceId} row ${row} of ${key}: ${present.value}, left at ${after.value}`,
    );
    const isDirty = present.version !== after.version;
    if (isDirty && push.resolution !== 'RESTORE_BEFORE') return 'PHASE_TWO_NEEDS_ATTENTION';
  }
  for (const { row, before } of undo) database.write(local, row, before);
  yield* process.sleep(process.world.dice.under(5));
  database.writeDefence(local, key);
  return 'PHASE_TWO_DONE';
}
