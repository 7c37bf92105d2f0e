import { GlobalTxError } from '../../../protocol/errors.js';
import { keyCondition } from '../image/key-condition.js';
import { isScaledFloat } from '../image/scaled-float.js';
import type { Assignment, ColumnName, JoinedUpdateStatement } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import { movedKeyColumns } from '../table/generated.js';
import type { CaptureContext } from './capture-context.js';
import { mayChange } from './cascades.js';
import { type BaseTable, hasColumn, type JoinedTarget, movesKeys, ownerOf } from './joined-targets.js';
import { type Tuple, tuplesCondition } from './joined-tuples.js';
import type { KeyChange } from './key-change.js';
import { overJoinQuery, referenceOf } from './queries.js';
import { readsItsChanges } from './wandering-joins.js';

/** A statement over a join with its tables. */
export interface JoinedUpdate {
  readonly statement: JoinedUpdateStatement;
  readonly tables: readonly BaseTable[];
  readonly targets: readonly JoinedTarget[];
  /** What the join has found, where the statement is held to it. */
  readonly tuples: readonly Tuple[] | undefined;
}

export function isSameTable(one: TableDefinition, other: TableDefinition): boolean {
  return one.schema === other.schema && one.name === other.name;
}

/**
 * Of a table that is written under two aliases it is not told which of them finds a row first. The servers themselves
 * turn most of these away.
 * @throws GlobalTxError STATEMENT_UNSUPPORTED
 */
export function refuseMovedTwice(targets: readonly JoinedTarget[]): void {
  for (const target of targets.filter(movesKeys)) {
    if (targets.every((other) => other === target || !isSameTable(other.table, target.table))) continue;
    throw keyRefused(target, 'under two aliases');
  }
}

/**
 * A foreign key may change rows of a table while the join is still being read.
 * @param reaches whether a foreign key reaches rows of a table
 * @throws GlobalTxError STATEMENT_UNSUPPORTED
 */
export function refuseReached(
  targets: readonly JoinedTarget[],
  tables: readonly BaseTable[],
  reaches: (table: TableDefinition) => boolean,
): void {
  const moved = targets.find(movesKeys);
  const reached = tables.find(({ table }) => reaches(table));
  if (moved === undefined || reached === undefined || targets.length === 1) return;
  throw keyRefused(moved, `in a join with \`${reached.table.name}\`, which a foreign key changes with it`);
}

/**
 * The server changes a row of the first table while it still reads the others for it: where its new values do not fulfil the
 * condition, or bind it to other keys than the statement is bound to, the rest of them would be left out.
 * @throws GlobalTxError STATEMENT_UNSUPPORTED
 */
export function refuseRepeated({ statement, tables, targets, tuples }: JoinedUpdate): void {
  const moved = targets.find(movesKeys);
  if (moved === undefined || targets.length === 1) return;
  for (const target of targets) {
    if (!movesKeys(target) && !readsItsChanges(statement, target)) continue;
    const at = tables.findIndex(({ named }) => named === target.named);
    const found = (tuples ?? []).flatMap((tuple) => tuple[at]?.identity ?? []);
    if (new Set(found).size === found.length) continue;
    throw keyRefused(moved, `in a join that finds a row of \`${target.table.name}\` several times`);
  }
}

function keyRefused({ table, assigned }: JoinedTarget, why: string): GlobalTxError {
  const column = movedKeyColumns(table, assigned)[0]?.name;
  return new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `UPDATE changes \`${column}\`, a column of the key of ${table.schema}.${table.name}, ${why}, which is not supported ` +
      'inside a global transaction. Change one table in each statement.',
    { construct: `UPDATE of the key column \`${column}\` ${why}` },
  );
}

/** What an UPDATE over a join does to the keys of one of its tables. */
export function joinedKeyChange(
  context: CaptureContext,
  join: JoinedUpdate,
  target: JoinedTarget,
): KeyChange {
  const { statement, tables, tuples } = join;
  const { named, assigned, assignments } = target;
  const { server } = context.session.facts.dialect;
  const at = tables.findIndex((base) => base.named === named);
  return {
    ...{ table: named, assigned, assignments, ignore: statement.ignore, optional: named.optional },
    // What is kept for later in a temporary table has no NOT NULL there.
    refusesNull: false,
    obstacle: (assignment) => obstacle(join, target, assignment),
    query: (expressions, { table, rows }, write) => {
      const reference = referenceOf(named);
      if (tuples === undefined) {
        const keys = rows.map(({ row }) => row);
        const condition = keyCondition(table, keys, server, reference, true);
        return overJoinQuery(statement, expressions, [condition], statement.where, write);
      }
      const chosen = new Set(rows.map(({ identity }) => identity));
      const some = tuples.filter((tuple) => chosen.has(tuple[at]?.identity ?? ''));
      return overJoinQuery(statement, expressions, [tuplesCondition(context, tables, some)], null, write);
    },
  };
}

/**
 * In which order the tables and their columns are changed is not told (MySQL manual 15.2.17), so that a value may depend on
 * nothing that the statement changes but the column itself. What a subquery gives may be another the next time.
 */
function obstacle(
  { statement, tables, targets }: JoinedUpdate,
  target: JoinedTarget,
  { column, reads }: Assignment,
): string | undefined {
  // MySQL rounds it once more where it changes the table after the join; which one it changes at once is the plan's.
  if (target.table.columns.some((own) => sameName(own.name, column) && isScaledFloat(own)))
    return 'of a type that is rounded in two ways';
  const derived = statement.tables.some((named) => named.derived);
  for (const read of reads) {
    const owner = ownerOf(tables, read);
    if (owner === undefined) {
      const keyword = read.table === null && !derived && !tables.some((base) => hasColumn(base, read.column));
      if (keyword) continue;
      return `by \`${read.column}\`, which may be a subquery's or of several tables`;
    }
    if (owner.named === target.named && sameName(read.column, column)) continue;
    if (targets.some((other) => isSameTable(other.table, owner.table) && changes(other, read)))
      return `by \`${read.column}\`, which the same statement may change`;
  }
  return undefined;
}

function changes({ table, assigned }: JoinedTarget, { column }: ColumnName): boolean {
  const names = table.columns.map(({ name }) => name).filter((name) => sameName(name, column));
  return mayChange(table, assigned, names);
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
