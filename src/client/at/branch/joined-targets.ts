import { GlobalTxError } from '../../../protocol/errors.js';
import type {
  Assignment,
  ColumnName,
  JoinedDeleteStatement,
  JoinedTable,
  JoinedUpdateStatement,
} from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import { movedKeyColumns } from '../table/generated.js';

/** A table of a join that holds rows, with its definition. */
export interface BaseTable {
  readonly named: JoinedTable;
  readonly table: TableDefinition;
}

/** One of the tables that a statement over a join writes. */
export interface JoinedTarget extends BaseTable {
  /** The columns that an UPDATE assigns in it. */
  readonly assigned: readonly string[];
  readonly assignments: readonly Assignment[];
}

/** Whether an UPDATE may give its rows other keys. */
export function movesKeys({ table, assigned }: JoinedTarget): boolean {
  return movedKeyColumns(table, assigned).length > 0;
}

function refused(construct: string): GlobalTxError {
  return new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `${construct} is not supported inside a global transaction: which table it writes cannot be told for certain. ` +
      'Give every table of the statement an alias of its own and use it.',
    { construct },
  );
}

/** The base table with an alias or, without one, a name; exactly as written before any other case of it. */
export function findTable(
  tables: readonly BaseTable[],
  schema: string | null,
  name: string,
): BaseTable | undefined {
  const matches = (same: (one: string, other: string) => boolean) =>
    tables.filter(({ named, table }) => {
      if (schema === null) return same(named.alias ?? named.name, name);
      return named.alias === null && same(named.name, name) && same(table.schema, schema);
    });
  const exact = matches((one, other) => one === other);
  const found = exact.length > 0 ? exact : matches((one, other) => one.toLowerCase() === other.toLowerCase());
  return found.length === 1 ? found[0] : undefined;
}

export function hasColumn({ table }: BaseTable, column: string): boolean {
  return table.columns.some(({ name }) => name.toLowerCase() === column.toLowerCase());
}

/** The base table that a column is of; undefined where that is not certain, or where it is none of theirs. */
export function ownerOf(
  tables: readonly BaseTable[],
  { schema, table, column }: ColumnName,
): BaseTable | undefined {
  if (table !== null) return findTable(tables, schema, table);
  const owners = tables.filter((candidate) => hasColumn(candidate, column));
  return owners.length === 1 ? owners[0] : undefined;
}

function updateTargets(
  { assignments }: JoinedUpdateStatement,
  tables: readonly BaseTable[],
): readonly JoinedTarget[] {
  const own = new Map<BaseTable, Assignment[]>();
  for (const assignment of assignments) {
    const owner = ownerOf(tables, assignment);
    if (owner === undefined) throw refused(`UPDATE of \`${assignment.column}\` in a join`);
    own.set(owner, [...(own.get(owner) ?? []), assignment]);
  }
  return Array.from(own, ([base, assignments]) => ({
    ...base,
    assigned: assignments.map(({ column }) => column),
    assignments,
  }));
}

function refersTo(child: BaseTable, parent: BaseTable): boolean {
  return child.table.parents.some(
    ({ parentSchema, parentTable }) =>
      parentSchema === parent.table.schema && parentTable === parent.table.name,
  );
}

/** Children before their parents, as a deletion touches them: the rollback goes the other way. */
function childrenFirst(targets: readonly JoinedTarget[]): readonly JoinedTarget[] {
  const rest = [...targets];
  const ordered: JoinedTarget[] = [];
  while (rest.length > 0) {
    const free = rest.findIndex(
      (parent) => !rest.some((child) => child !== parent && refersTo(child, parent)),
    );
    ordered.push(...rest.splice(Math.max(free, 0), 1));
  }
  return ordered;
}

function deleteTargets(
  { targets }: JoinedDeleteStatement,
  tables: readonly BaseTable[],
): readonly JoinedTarget[] {
  const found = targets.map(({ schema, name }) => {
    const base = findTable(tables, schema, name);
    if (base === undefined) throw refused(`DELETE of \`${name}\` from a join`);
    return { ...base, assigned: [], assignments: [] };
  });
  return childrenFirst(found);
}

/**
 * The tables that a statement over a join writes.
 * @throws GlobalTxError STATEMENT_UNSUPPORTED when that is not certain
 */
export function targetsOf(
  statement: JoinedUpdateStatement | JoinedDeleteStatement,
  tables: readonly BaseTable[],
): readonly JoinedTarget[] {
  return statement.kind === 'joinedUpdate'
    ? updateTargets(statement, tables)
    : deleteTargets(statement, tables);
}
