import type { LockMode, LockSet } from '../../../protocol/frames.js';
import type { ImageRow } from '../image/plan.js';
import type { RowChange, TableChanges } from '../image/row.js';
import { rowsEqual } from '../image/row-equality.js';
import type { TableDefinition } from '../table/definition.js';
import type { TouchedTable } from './touched-rows.js';

/** A touched table with what its rows are now, by identity; a row that is not there any more has no entry. */
export interface TableImages extends TouchedTable {
  readonly after: ReadonlyMap<string, ImageRow>;
}

/** What the rows of a touched table will be locked by, as far as that is known before they are read again. */
export function expectedImages(touched: TouchedTable): TableImages | undefined {
  const after = new Map<string, ImageRow>();
  for (const { identity, leaves } of touched.rows) {
    if (leaves === undefined) return undefined;
    if (leaves !== null) after.set(identity, leaves);
  }
  return { ...touched, after };
}

/** Whether the lock keys that were expected are enough for what the rows are now. */
export function expectationHolds(images: TableImages): boolean {
  const expected = expectedImages(images);
  if (expected === undefined) return false;
  const keys = new Set(lockKeysOf(expected));
  return lockKeysOf(images).every((key) => keys.has(key));
}

/** The rows that really differ from what they were before the branch. */
export function netChanges({ table, rows, after }: TableImages): TableChanges {
  const changes: RowChange[] = [];
  for (const { identity, before } of rows) {
    const now = after.get(identity);
    if (before === null && now === undefined) continue;
    if (before !== null && now !== undefined && rowsEqual(before.row, now.row)) continue;
    changes.push({ before: before?.row ?? null, after: now?.row ?? null });
  }
  return {
    schema: table.schema,
    table: table.name,
    columns: table.columns.map((column) => column.name),
    key: table.key.columns,
    ...(table.triggersAllowed === true && table.triggers.length > 0 ? { triggers: table.triggers } : {}),
    changes,
  };
}

/**
 * The lock keys of a branch in one table: every touched row, and every value of a unique secondary key that
 * the branch frees or takes. Without the latter another transaction could take the freed value, and the
 * rollback could never give it back.
 */
export function lockKeysOf({ rows, after }: TableImages): readonly string[] {
  const keys = new Set<string>();
  for (const { identity, before } of rows) {
    keys.add(identity);
    const now = after.get(identity);
    const freed = before?.uniques ?? [];
    const taken = now?.uniques ?? [];
    for (let index = 0; index < Math.max(freed.length, taken.length); index += 1) {
      const old = freed[index] ?? null;
      const fresh = taken[index] ?? null;
      if (old === fresh) continue;
      if (old !== null) keys.add(old);
      if (fresh !== null) keys.add(fresh);
    }
  }
  return Array.from(keys);
}

/** One table's keys as the coordinator wants them. */
export function lockSet(
  resourceId: string,
  table: TableDefinition,
  mode: LockMode,
  keys: readonly string[],
): LockSet {
  return { resourceId, table: table.name, mode, keys };
}
