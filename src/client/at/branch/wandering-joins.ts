import type { JoinedUpdateStatement } from '../sql/analysis.js';
import { mayCascade, mayChange } from './cascades.js';
import { type JoinedTarget, movesKeys } from './joined-targets.js';

/** Whether a condition of the statement may read a column of one of its targets that it changes. */
export function readsItsChanges(
  { reads }: JoinedUpdateStatement,
  { table, assigned }: JoinedTarget,
): boolean {
  const read = reads && new Set(reads.map(({ column }) => column.toLowerCase()));
  const names = table.columns.map(({ name }) => name);
  return mayChange(
    table,
    assigned,
    names.filter((name) => read === null || read.has(name.toLowerCase())),
  );
}

/**
 * Whether an UPDATE over a join may find other rows because of what it has changed already. The servers change the first
 * table while they still read the others for the same row of it, and MariaDB then compares them with its new values; so do both
 * with what a foreign key has changed.
 */
export function mayFindOthers(statement: JoinedUpdateStatement, targets: readonly JoinedTarget[]): boolean {
  if (targets.some(({ table, assigned }) => mayCascade(table, assigned))) return true;
  if (targets.length === 1) return false;
  return targets.some((target) => movesKeys(target) || readsItsChanges(statement, target));
}
