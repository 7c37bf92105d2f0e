import type { Statement, TableName } from '../analysis.js';
import { notUnderstood } from '../refusal.js';
import type { Source } from '../source.js';
import type { ParserForm } from './form.js';
import { normalise } from './normalise.js';
import type { Reading } from './parser.js';

const TYPES = { insert: 'insert', update: 'update', delete: 'delete', lockingRead: 'select' } as const;
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
  if (reading.type !== TYPES[statement.kind]) return 'the verb';
  if (!isTable(statement.table, form, reading)) return 'the table';
  if (statement.kind === 'insert') {
    if (!isSame(statement.columns ?? [], reading.columns ?? [], form)) return 'the columns';
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

function isTable(table: TableName, form: ParserForm, { tables }: Reading): boolean {
  const [read, ...others] = tables;
  if (read === undefined || others.length > 0) return false;
  const original = (name: string | null): string | null =>
    name === null ? null : (form.names.get(name) ?? name);
  return (
    sameWord(original(read.schema), table.schema) &&
    sameWord(original(read.name), table.name) &&
    sameWord(original(read.alias), table.alias)
  );
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
