import type { LockSet } from '../../../protocol/frames.js';
import { KEYS_PER_QUERY, keyCondition } from '../image/key-condition.js';
import type { Row } from '../image/row.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { ParentReference, TableDefinition } from '../table/definition.js';
import { referenceJoin } from '../table/reference-join.js';
import type { BranchDatabase, BranchSession } from './database.js';
import { tableOf } from './named-table.js';
import { lockSet, type TableImages } from './net-changes.js';
import { planOf, readAsSessionIs } from './read-image.js';

/** Rows that have come to refer to a parent: those that are there now and referred elsewhere before. */
function referringRows({ table, rows, after }: TableImages, reference: ParentReference): readonly Row[] {
  const positions = table.columns
    .filter((column) => reference.columns.includes(column.name))
    .map((column) => column.position);
  const text = (row: Row) =>
    JSON.stringify(positions.map((position) => row[position]?.toString('hex') ?? null));
  return rows.flatMap(({ identity, before }) => {
    const now = after.get(identity)?.row;
    if (now === undefined || positions.some((position) => now[position] === null)) return [];
    return before !== null && text(before.row) === text(now) ? [] : [now];
  });
}

/** Parents of the rows, as the server joins them: read as images, because locks are named by them. */
async function parentKeys(
  session: BranchSession,
  child: TableDefinition,
  rows: readonly Row[],
  reference: ParentReference,
  parent: TableDefinition,
): Promise<readonly string[]> {
  const server = session.facts.dialect.server;
  const name = ({ schema, name: table }: TableDefinition) =>
    `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  const pairs = reference.columns.map((column, at) => ({
    child: column,
    parent: reference.parentColumns[at]!,
  }));
  const joined = referenceJoin(pairs, parent, 'parent');
  const keys = new Set<string>();
  for (let from = 0; from < rows.length; from += KEYS_PER_QUERY) {
    const condition = keyCondition(child, rows.slice(from, from + KEYS_PER_QUERY), server, 'child');
    const parents = await readAsSessionIs(session, async () => {
      const plan = planOf(parent, session);
      return plan.decode(
        await session.executor.query(
          `SELECT ${plan.selectList('parent')} FROM ${name(child)} child JOIN ${name(parent)} parent ON ${joined} ` +
            `WHERE ${condition} LOCK IN SHARE MODE`,
        ),
      );
    });
    for (const { identity } of parents) keys.add(identity);
  }
  return Array.from(keys);
}

/**
 * Shared locks on the parents that changed rows refer to by foreign keys, as InnoDB takes them for the local
 * transaction: a child cannot be added to a parent whose own transaction is undecided, and the parent's
 * rollback then never meets it.
 */
export async function parentLocks(
  session: BranchSession,
  database: BranchDatabase,
  images: TableImages,
): Promise<readonly LockSet[]> {
  const locks: LockSet[] = [];
  for (const reference of images.table.parents) {
    const rows = referringRows(images, reference);
    if (rows.length === 0) continue;
    const parent = await tableOf(
      { session, database },
      { schema: reference.parentSchema, name: reference.parentTable },
    );
    if (parent === undefined) continue;
    const keys = await parentKeys(session, images.table, rows, reference, parent);
    if (keys.length === 0) continue;
    locks.push(lockSet(await database.resourceId(parent.schema), parent, 'SHARED', keys));
  }
  return locks;
}
