import { GlobalTxError } from '../../../protocol/errors.js';
import type { SqlDialect, SqlExecutor } from '../executor.js';
import { KEYS_PER_QUERY, keyCondition } from '../image/key-condition.js';
import { valueLiteral } from '../image/literal.js';
import { planImage } from '../image/plan.js';
import type { Row } from '../image/row.js';
import { changedColumns } from '../image/row-equality.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { ParentReference, TableDefinition } from '../table/definition.js';
import { textLiteral } from '../table/information-schema.js';
import { type ReferencePair, referenceJoin } from '../table/reference-join.js';
import { qualifiedName } from './ddl.js';
import { RowKeys } from './dirty-check.js';
import type { Step } from './plan.js';

type ServerKind = SqlDialect['server'];

/** A foreign key of any kind that refers to a table. */
interface Referring {
  readonly childSchema: string;
  readonly childTable: string;
  readonly pairs: readonly ReferencePair[];
}

async function referringKeys(
  executor: SqlExecutor,
  { schema, name }: TableDefinition,
): Promise<readonly Referring[]> {
  const { rows } = await executor.query(
    'SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME ' +
      `FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_SCHEMA = ${textLiteral(schema)} ` +
      `AND REFERENCED_TABLE_NAME = ${textLiteral(name)} ` +
      'ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION',
  );
  const keys = new Map<string, Referring & { pairs: Referring['pairs'][number][] }>();
  for (const row of rows) {
    const [childSchema = '', childTable = '', constraint = '', child = '', parent = ''] = row.map(String);
    const id = JSON.stringify([childSchema, childTable, constraint]);
    const key = keys.get(id) ?? { childSchema, childTable, pairs: [] };
    key.pairs.push({ child, parent });
    keys.set(id, key);
  }
  return Array.from(keys.values());
}

/** The columns whose values the step takes away; undefined: all. */
function takenAway(step: Step): ReadonlySet<string> | undefined {
  if (step.kind !== 'update') return undefined;
  const changed = changedColumns(step.present, step.target);
  return new Set(changed.map((position) => step.table.columns[position]!.name));
}

function presentRow(step: Step): Row {
  return step.kind === 'update' ? step.present : step.row;
}

/** Whether another step gives the values that are referred to to another row: a row whose key was changed comes and goes. */
function comesBack(step: Step, steps: readonly Step[], pairs: Referring['pairs']): boolean {
  const names = pairs.map(({ parent }) => parent);
  const keys = new RowKeys({ columns: step.table.columns.map(({ name }) => name), key: names });
  const values = keys.of(presentRow(step));
  return steps.some((other) => {
    if (other === step || other.kind === 'delete' || other.table !== step.table) return false;
    return keys.of(other.kind === 'update' ? other.target : other.row) === values;
  });
}

/** That the step gives the columns which are referred to other values: a change of case alone may leave them equal. */
function losesValues(step: Step, pairs: Referring['pairs'], server: ServerKind): string {
  if (step.kind !== 'update') return 'TRUE';
  const equal = step.table.columns.flatMap((column) => {
    if (!pairs.some(({ parent }) => parent === column.name)) return [];
    const literal = valueLiteral(column, step.target[column.position] ?? null, server);
    return [`parent.${quoteIdentifier(column.name)} <=> ${literal}`];
  });
  return `NOT (${equal.join(' AND ')})`;
}

/** Whether every row that refers to the step's row is one that another of the steps takes back. */
async function hasOwnChildrenOnly(
  executor: SqlExecutor,
  step: Step,
  referring: readonly Referring[],
  steps: readonly Step[],
  server: ServerKind,
): Promise<boolean> {
  const taken = takenAway(step);
  const condition = keyCondition(step.table, [presentRow(step)], server, 'parent');
  for (const { childSchema, childTable, pairs } of referring) {
    if (taken !== undefined && !pairs.some(({ parent }) => taken.has(parent))) continue;
    if (comesBack(step, steps, pairs)) continue;
    const own = steps.filter(
      ({ kind, table }) => kind !== 'insert' && table.schema === childSchema && table.name === childTable,
    );
    const table = own[0]?.table;
    const from =
      `FROM ${qualifiedName(step.table.schema, step.table.name)} parent ` +
      `JOIN ${qualifiedName(childSchema, childTable)} child ON ${referenceJoin(pairs, step.table, 'parent')} WHERE ${condition} AND ` +
      losesValues(step, pairs, server);
    if (table === undefined) {
      const { rows } = await executor.query(`SELECT 1 ${from} LIMIT 1 FOR UPDATE`);
      if (rows.length > 0) return false;
      continue;
    }
    const keys = new RowKeys({ columns: table.columns.map(({ name }) => name), key: table.key.columns });
    const known = new Set(own.map((other) => keys.of(presentRow(other))));
    const plan = planImage(table);
    const children = plan.decode(
      await executor.query(`SELECT ${plan.selectList('child')} ${from} FOR UPDATE`),
    );
    if (!children.every(({ row }) => known.has(keys.of(row)))) return false;
  }
  return true;
}

/**
 * A parent that goes back to its old values, and children that need those before they can go back to theirs, wait for
 * each other: one of the steps must be carried out without the foreign keys. It can be, when every row that refers to
 * its row is taken back by the others.
 */
export async function isDetachable(
  executor: SqlExecutor,
  step: Step,
  steps: readonly Step[],
  server: ServerKind,
): Promise<boolean> {
  if (step.kind === 'insert') return false;
  return hasOwnChildrenOnly(executor, step, await referringKeys(executor, step.table), steps, server);
}

/** Carries something out without foreign keys: nothing is refused, and nothing cascades. */
export async function withoutForeignKeys(executor: SqlExecutor, work: () => Promise<void>): Promise<void> {
  await executor.query('SET SESSION foreign_key_checks = 0');
  try {
    await work();
  } finally {
    await executor.query('SET SESSION foreign_key_checks = 1');
  }
}

/**
 * What the foreign keys would have seen to: that every restored row has its parents.
 * @throws GlobalTxError COMPENSATION_REFUSED
 */
export async function checkParents(
  executor: SqlExecutor,
  steps: readonly Step[],
  server: ServerKind,
): Promise<void> {
  const restored = new Map<TableDefinition, Row[]>();
  for (const step of steps) {
    if (step.kind === 'delete' || step.table.parents.length === 0) continue;
    const rows = restored.get(step.table) ?? [];
    rows.push(step.kind === 'update' ? step.target : step.row);
    restored.set(step.table, rows);
  }
  for (const [table, rows] of restored) {
    for (let from = 0; from < rows.length; from += KEYS_PER_QUERY) {
      const condition = keyCondition(table, rows.slice(from, from + KEYS_PER_QUERY), server, 'child');
      for (const reference of table.parents) await refuseOrphans(executor, table, reference, condition);
    }
  }
}

async function refuseOrphans(
  executor: SqlExecutor,
  child: TableDefinition,
  { name, columns, parentSchema, parentTable, parentColumns }: ParentReference,
  condition: string,
): Promise<void> {
  const { schema, name: table } = child;
  const pairs = columns.map((column, at) => ({ child: column, parent: parentColumns[at]! }));
  const joined = referenceJoin(pairs, child, 'child');
  const given = columns.map((column) => `child.${quoteIdentifier(column)} IS NOT NULL`).join(' AND ');
  const { rows } = await executor.query(
    `SELECT 1 FROM ${qualifiedName(schema, table)} child WHERE ${condition} AND ${given} AND NOT EXISTS ` +
      `(SELECT 1 FROM ${qualifiedName(parentSchema, parentTable)} parent WHERE ${joined}) LIMIT 1 FOR UPDATE`,
  );
  if (rows.length === 0) return;
  throw new GlobalTxError(
    'COMPENSATION_REFUSED',
    `a restored row of ${schema}.${table} would have no parent under the foreign key ${name}`,
  );
}
