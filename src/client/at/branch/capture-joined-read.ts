import { GlobalTxError } from '../../../protocol/errors.js';
import type { JoinedReadStatement } from '../sql/analysis.js';
import type { CaptureContext, ReadLocks, RunStatement } from './capture-context.js';
import { type BaseTable, findTable } from './joined-targets.js';
import { runWithoutTable, tableOf } from './named-table.js';
import { joinedReadQuery, keyReference, referenceOf, type WritePlaceholder } from './queries.js';
import { readImage } from './read-image.js';

/** A locking read of a join: the rows of every table that it locks are to be locked at the coordinator too. */
export async function captureJoinedRead(
  context: CaptureContext,
  statement: JoinedReadStatement,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<readonly ReadLocks[]> {
  const tables: BaseTable[] = [];
  for (const named of statement.tables) {
    const table = await tableOf(context, named);
    if (table === undefined) return runWithoutTable(named.name, run);
    tables.push({ named, table });
  }
  const locked = lockedTables(context, statement, tables);
  // As for one table: what the application's read has locked, the reads of the keys meet again.
  await run();
  const locks: ReadLocks[] = [];
  for (const { named, table: known } of locked) {
    const reference = referenceOf(named);
    const { table, rows } = await readImage(
      context,
      known,
      (plan, current) =>
        joinedReadQuery(statement, plan.selectList(reference), keyReference(current, reference), write),
      named.optional,
    );
    const identities = new Set(rows.map((image) => image.identity));
    locks.push({ table, mode: statement.mode, identities: Array.from(identities) });
  }
  return locks;
}

function lockedTables(
  { session }: CaptureContext,
  { of }: JoinedReadStatement,
  tables: readonly BaseTable[],
): readonly BaseTable[] {
  if (of === null) return tables;
  if (session.facts.weakIsolation) {
    throw new GlobalTxError(
      'STATEMENT_UNSUPPORTED',
      'A locking read of a join with OF is not supported inside a global transaction under READ COMMITTED: rows of the ' +
        'other tables may change before the keys are read. Leave OF out, or use REPEATABLE READ.',
      { construct: 'FOR UPDATE OF under READ COMMITTED' },
    );
  }
  return of.map((name) => {
    const table = findTable(tables, null, name);
    if (table !== undefined) return table;
    throw new GlobalTxError(
      'STATEMENT_UNSUPPORTED',
      `Which table FOR UPDATE OF ${name} means cannot be told for certain. Give every table an alias of its own.`,
      { construct: `FOR UPDATE OF ${name}` },
    );
  });
}
