import type {
  JoinedDeleteStatement,
  JoinedReadStatement,
  JoinedUpdateStatement,
  OnConflict,
  Statement,
  TableName,
} from '../analysis.js';
import { notUnderstood } from '../refusal.js';
import type { Source } from '../source.js';
import type { ParserForm } from './form.js';
import { normalise } from './normalise.js';
import type { Reading } from './parser.js';

const TYPES = {
  insert: 'insert',
  update: 'update',
  delete: 'delete',
  joinedUpdate: 'update',
  joinedDelete: 'delete',
  lockingRead: 'select',
  joinedRead: 'select',
} as const;
type Checked = Extract<Statement, { kind: keyof typeof TYPES }>;

/** Refuses a statement that touches rows unless the parser, shown the same tokens, sees the same in it. */
export function agree(source: Source, statement: Statement, parse: (form: string) => Reading | null): void {
  if (!(statement.kind in TYPES)) return;
  const checked = statement as Checked;
  const verb = source.at(0).word;
  for (const simplified of [false, true]) {
    const form = normalise(source, { simplified });
    if (form === null) continue;
    const reading = parse(form.text);
    if (reading === null) continue;
    const difference = differs(checked, form, reading);
    if (difference === null) return;
    notUnderstood(`${verb}: ${difference} read in two ways`);
  }
  notUnderstood(`${verb} in an unknown form`);
}

function differs(statement: Checked, form: ParserForm, reading: Reading): string | null {
  if (reading.type !== typeOf(statement)) return 'the verb';
  if (
    statement.kind === 'joinedUpdate' ||
    statement.kind === 'joinedDelete' ||
    statement.kind === 'joinedRead'
  )
    return differsJoined(statement, form, reading);
  if (!isTable(statement.table, form, reading)) return 'the table';
  if (reading.targets.length > 0) return 'the table';
  if (statement.kind === 'insert') {
    if (!isSame(statement.columns ?? [], reading.columns ?? [], form)) return 'the columns';
    if (!isSameUpdate(statement.onConflict, form, reading)) return 'ON DUPLICATE KEY UPDATE';
    if (reading.query || statement.query !== null)
      return reading.query && statement.query !== null ? null : 'the query';
    return areRows(statement.rows, form, reading) ? null : 'the rows';
  }
  if (statement.kind === 'update' && !isSame(statement.assigned, reading.columns ?? [], form))
    return 'the columns';
  if ((statement.where !== null) !== reading.where) return 'WHERE';
  if (statement.kind === 'lockingRead') {
    // Of a grouped result the statement keeps neither: more rows are locked then, never fewer.
    if (statement.orderBy !== null && !reading.orderBy) return 'ORDER BY';
    if (statement.limit !== null && !reading.limit) return 'LIMIT';
    return reading.locking ? null : 'FOR UPDATE';
  }
  if ((statement.orderBy !== null) !== reading.orderBy) return 'ORDER BY';
  return (statement.limit !== null) === reading.limit ? null : 'LIMIT';
}

function typeOf(statement: Checked): string {
  const replaces = statement.kind === 'insert' && statement.onConflict.action === 'replace';
  return replaces ? 'replace' : TYPES[statement.kind];
}

function isSameUpdate(onConflict: OnConflict, form: ParserForm, { onDuplicate }: Reading): boolean {
  if (onConflict.action !== 'update') return onDuplicate === null;
  const columns = onConflict.assignments.map(({ column }) => column);
  return onDuplicate !== null && isSame(columns, onDuplicate, form);
}

function isTable(table: TableName, form: ParserForm, { tables }: Reading): boolean {
  const [read, ...others] = tables;
  if (read === undefined || others.length > 0) return false;
  return isNamed(table, read, form) && sameWord(original(read.alias, form), table.alias);
}

function original(name: string | null, form: ParserForm): string | null {
  return name === null ? null : (form.names.get(name) ?? name);
}

type Name = Pick<TableName, 'schema' | 'name'>;

function isNamed(table: Name, read: Name, form: ParserForm): boolean {
  return (
    sameWord(original(read.schema, form), table.schema) && sameWord(original(read.name, form), table.name)
  );
}

function differsJoined(
  statement: JoinedUpdateStatement | JoinedDeleteStatement | JoinedReadStatement,
  form: ParserForm,
  reading: Reading,
): string | null {
  const { tables } = statement;
  const agreed =
    tables.length === reading.tables.length &&
    tables.every((table, index) => {
      const read = reading.tables[index]!;
      if (!sameWord(original(read.alias, form), table.alias)) return false;
      return read.derived ? table.derived : isNamed(table, read, form);
    });
  if (!agreed) return 'the tables';
  if (statement.kind === 'joinedUpdate') {
    const columns = statement.assignments.map(({ column }) => column);
    if (!isSame(columns, reading.columns ?? [], form)) return 'the columns';
    const qualified = statement.assignments.every(({ table }, index) =>
      sameWord(original(reading.qualifiers[index] ?? null, form), table),
    );
    if (!qualified || reading.targets.length > 0) return 'the columns';
  } else if (statement.kind === 'joinedDelete') {
    const { targets } = statement;
    const same =
      targets.length === reading.targets.length &&
      targets.every((target, index) => isNamed(target, reading.targets[index]!, form));
    if (!same) return 'the targets';
  }
  if ((statement.where !== null) !== reading.where) return 'WHERE';
  // ORDER BY and LIMIT of a grouped result leave no row out.
  if (statement.kind === 'joinedRead') return reading.locking ? null : 'FOR UPDATE';
  if (reading.orderBy) return 'ORDER BY';
  return reading.limit ? 'LIMIT' : null;
}

function isSame(written: readonly string[], read: readonly string[], form: ParserForm): boolean {
  if (written.length !== read.length) return false;
  return written.every((name, index) => sameWord(form.names.get(read[index]!) ?? read[index]!, name));
}

/** Bare words reach the parser in upper case. */
function sameWord(one: string | null, other: string | null): boolean {
  return one === other || (one !== null && other !== null && one.toUpperCase() === other.toUpperCase());
}

function areRows(rows: readonly (readonly unknown[])[], form: ParserForm, reading: Reading): boolean {
  // INSERT ... SET has one row, and no list of VALUES.
  if (form.rowCount === 0) return rows.length === 1 && reading.rows.length === 0;
  if (rows.length !== form.rowCount || reading.rows.length !== form.keptRows.length) return false;
  // An empty row, (), is shown to the parser with one value.
  return form.keptRows.every((ordinal, index) => Math.max(rows[ordinal]!.length, 1) === reading.rows[index]);
}
