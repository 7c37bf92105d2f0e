import type {
  Clause,
  InsertValue,
  JoinedTable,
  Statement,
  TableName,
} from '../../../../src/client/at/sql/analysis.js';

/** Behind every query that has no LIMIT of its own. */
const ALL_ROWS = 'LIMIT 18446744073709551615';

/** An analysis as one line that a person can check against the SQL. */
export function describeStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'read':
      return 'read';
    case 'control':
      return Object.values(statement.control).join(' ');
    case 'refused':
      return `${statement.code === 'STATEMENT_UNSUPPORTED' ? 'unsupported' : 'not understood'}: ${statement.construct}`;
    case 'insert': {
      const columns = statement.columns === null ? '' : ` (${statement.columns.join(', ')})`;
      return `${inserting(statement)} ${table(statement)}${columns} ${statement.rows.map(row).join(' ')}${query(statement)}${onDuplicate(statement)}`;
    }
    case 'update':
      return `update ${table(statement)} set ${statement.assigned.join(', ')}${rows(statement)}`;
    case 'delete':
      return `delete ${table(statement)}${rows(statement)}`;
    case 'joinedUpdate': {
      const assigned = statement.assignments.map(({ schema, table, column }) =>
        dotted(schema, table, column),
      );
      return `update ${joined(statement.tables)} set ${assigned.join(', ')}${rows({ ...statement, ...NO_ORDER })}`;
    }
    case 'joinedDelete': {
      const targets = statement.targets.map(({ schema, name }) => dotted(schema, name));
      return `delete ${targets.join(', ')} of ${joined(statement.tables)}${rows({ ...statement, ...NO_ORDER })}`;
    }
    case 'joinedRead': {
      const of = statement.of === null ? '' : ` of ${statement.of.join(', ')}`;
      return `${statement.mode.toLowerCase()} ${joined(statement.tables)}${of}${rows({ ...statement, ...NO_ORDER })} | ${statement.lock.text}`;
    }
    case 'lockingRead':
      return `${statement.mode.toLowerCase()} ${table(statement)}${rows(statement)} | ${statement.lock.text}`;
  }
}

type InsertStatement = Extract<Statement, { readonly kind: 'insert' }>;

function query({ query: asked }: InsertStatement): string {
  if (asked === null) return '';
  return `| ${clause(asked.locking).replace(` ${ALL_ROWS}`, '')}${asked.volatile ? ' | volatile' : ''}`;
}

function inserting({ onConflict: { action } }: InsertStatement): string {
  return action === 'replace' ? 'replace' : action === 'skip' ? 'insert ignore' : 'insert';
}

function onDuplicate({ onConflict }: InsertStatement): string {
  if (onConflict.action !== 'update') return '';
  const set = onConflict.assignments.map(({ column, to }) =>
    to === 'other' ? column : `${column} to ${to}`,
  );
  return ` | on duplicate ${set.join(', ')}`;
}

type RowsStatement = Pick<
  Extract<Statement, { readonly kind: 'delete' }>,
  'with' | 'from' | 'where' | 'orderBy' | 'limit' | 'volatile'
> & { readonly ignore?: boolean };

const NO_ORDER = { orderBy: null, limit: null };

function dotted(...names: readonly (string | null)[]): string {
  return names.filter((name) => name !== null).join('.');
}

function joined(tables: readonly JoinedTable[]): string {
  return tables
    .map(
      (one) => `${table({ table: one })}${one.derived ? ' derived' : ''}${one.optional ? ' optional' : ''}`,
    )
    .join(' + ');
}

function table({ table: { schema, name, alias } }: { readonly table: TableName }): string {
  return [schema === null ? name : `${schema}.${name}`, ...(alias === null ? [] : [`as ${alias}`])].join(' ');
}

function rows(statement: RowsStatement): string {
  const { from, where, orderBy, limit, volatile } = statement;
  const parts = [` | from ${clause(from)}`];
  if (statement.with !== null) parts.push(clause(statement.with));
  if (where !== null) parts.push(`where ${clause(where)}`);
  if (orderBy !== null) parts.push(`order ${clause(orderBy)}`);
  if (limit !== null) parts.push(`limit ${clause(limit)}`);
  if (volatile) parts.push('volatile');
  if (statement.ignore) parts.push('ignore');
  return parts.join(' | ');
}

/** The clause's text with the index of each placeholder behind it. */
function clause({ text, placeholders, offsets }: Clause): string {
  let described = '';
  let from = 0;
  offsets.forEach((offset, index) => {
    described += `${text.slice(from, offset + 1)}${placeholders[index]}`;
    from = offset + 1;
  });
  return described + text.slice(from);
}

function row(values: readonly InsertValue[]): string {
  return `[${values.map(value).join(' ; ')}]`;
}

function value(insertValue: InsertValue): string {
  switch (insertValue.kind) {
    case 'placeholder':
      return `?${insertValue.index}`;
    case 'null':
    case 'default':
      return insertValue.kind;
    case 'literal':
      return `literal ${clause(insertValue.expression)}`;
    case 'stored':
      return `stored ${value(insertValue.value)}`;
    case 'expression':
      return `expression ${clause(insertValue.expression)}`;
  }
}
