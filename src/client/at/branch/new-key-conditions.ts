import { GlobalTxError } from '../../../protocol/errors.js';
import { KEYS_PER_QUERY, keyCondition, oneOfCondition } from '../image/key-condition.js';
import { isScaledFloat } from '../image/scaled-float.js';
import { emptyForms, storedForms } from '../image/stored-forms.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import { basesOf } from '../table/generated.js';
import type { CaptureContext } from './capture-context.js';
import { type Forms, generatedForms } from './generated-forms.js';
import type { KeyChange } from './key-change.js';
import { probe } from './probe.js';
import { inlineClause, referenceOf, type WritePlaceholder } from './queries.js';
import { planOf, type TableImage } from './read-image.js';

const DEFAULT = /^\s*default\s*$/i;
const NOW = /^\(*(?:current_timestamp|now)\b/i;
/** An expression without names and calls. */
const LITERAL = /^(?:[\s()\d.+-]|_\w+(?=')|[bx]?'[^'\\]*')+$/i;

/** A lone column, in parentheses or not. */
const COLUMN = /^[\s(]*(?:(?:`(?:[^`]|``)+`|[a-z_$\u0080-\uffff][\w$\u0080-\uffff]*)\s*\.?\s*)+[\s)]*$/;

/** What a column of the key, or one that it is computed from, is given in each row. */
interface Source {
  readonly column: ColumnDefinition;
  /** What it is assigned, as SQL; undefined where the row keeps its own value. */
  readonly assigned: string | undefined;
  /** Whether it may also get the time of the statement. */
  readonly now: boolean;
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function refused(table: TableDefinition, column: string, why: string): GlobalTxError {
  return new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `UPDATE changes \`${column}\`, a column of the key of ${table.schema}.${table.name}, ${why}, which is not supported ` +
      'inside a global transaction. Delete the row and insert it under its new key.',
    { construct: `UPDATE of the key column \`${column}\` ${why}` },
  );
}

/** What a column is assigned, if that is the same when it is read before. */
function assignedTo(
  table: TableDefinition,
  { assignments, table: named, obstacle }: KeyChange,
  column: ColumnDefinition,
  write: WritePlaceholder,
  server: 'mysql' | 'mariadb',
): string | undefined {
  const { name } = column;
  const own = assignments.filter((assignment) => sameName(assignment.column, name));
  const [only] = own;
  if (only === undefined) return undefined;
  const text = only.value.text.toLowerCase();
  if (own.length > 1) throw refused(table, name, 'twice');
  if (only.volatile) throw refused(table, name, 'to a value that cannot be read beforehand');
  if (DEFAULT.test(text)) {
    if (column.constantDefault) return `DEFAULT(${referenceOf(named)}.${quoteIdentifier(name)})`;
    if (LITERAL.test(column.defaultExpression ?? '')) return `${column.defaultExpression}`;
    throw refused(table, name, 'to a default that is computed');
  }
  if (server === 'mysql' && isScaledFloat(column) && COLUMN.test(text))
    throw refused(table, name, 'to another column, which MySQL copies without rounding it');
  const why = obstacle(only);
  if (why !== undefined) throw refused(table, name, why);
  return `\n${inlineClause(only.value, write)}\n`;
}

/** The columns whose new values are read: those of the key, and what these are computed from. */
function sourcesOf(
  table: TableDefinition,
  change: KeyChange,
  write: WritePlaceholder,
  server: 'mysql' | 'mariadb',
): readonly Source[] {
  const key = table.columns.filter(({ name }) => table.key.columns.includes(name));
  const bases = key.flatMap((column) => basesOf(table, column));
  const computed = bases.find((base) => base.generated || base.updatesItself);
  if (computed !== undefined) throw refused(table, computed.name, 'which also changes by itself');
  return Array.from(new Set([...key, ...bases]), (column) => {
    const assigned =
      column.generated || isGivenNow(change, column)
        ? undefined
        : assignedTo(table, change, column, write, server);
    const named = change.assigned.some((name) => sameName(name, column.name));
    return { column, assigned, now: (column.updatesItself && !named) || isGivenNow(change, column) };
  });
}

/** Whether it is assigned the word DEFAULT that stands for the time. */
function isGivenNow({ assignments }: KeyChange, { name, defaultExpression }: ColumnDefinition): boolean {
  const own = assignments.filter(({ column }) => sameName(column, name));
  return own.length === 1 && DEFAULT.test(own[0]!.value.text) && NOW.test(defaultExpression ?? '');
}

/**
 * Where the rows of an UPDATE may have their keys after it: conditions for all of them, which other rows may meet too.
 * @throws GlobalTxError STATEMENT_UNSUPPORTED when it cannot be known before the statement runs
 */
export async function newKeyConditions(
  context: CaptureContext,
  change: KeyChange,
  { table, rows }: TableImage,
  write: WritePlaceholder,
): Promise<readonly string[]> {
  const { server } = context.session.facts.dialect;
  const sources = sourcesOf(table, change, write, server);
  const conditions = new Set<string>();
  const since = await clockOf(context, sources);
  for (let from = 0; from < rows.length; from += KEYS_PER_QUERY) {
    const some = rows.slice(from, from + KEYS_PER_QUERY);
    const given = await formsOf(context, change, { table, rows: some }, sources, write);
    // A row that IGNORE keeps from its new place stays where it is.
    if (change.ignore) {
      conditions.add(
        keyCondition(
          table,
          some.map(({ row }) => row),
          server,
        ),
      );
    }
    const key = await keyForms(context, table, sources, given);
    for (const forms of key) {
      const parts = table.key.columns.map((name) => {
        const { column, now } = sources.find((source) => source.column.name === name)!;
        const own = forms.get(column)!;
        if (own.includes(null)) return 'FALSE';
        const quoted = quoteIdentifier(name);
        const condition = oneOfCondition(column, quoted, own, server);
        if (!now) return condition;
        return `(${condition} OR ${quoted} BETWEEN '${since}' AND NOW(6))`;
      });
      conditions.add(`(${parts.join(' AND ')})`);
    }
  }
  return Array.from(conditions);
}

type RowForms = ReadonlyMap<ColumnDefinition, Forms>;

/** The time before the statement, where a column takes the time of it by itself. */
async function clockOf(context: CaptureContext, sources: readonly Source[]): Promise<string | undefined> {
  if (!sources.some(({ now }) => now)) return undefined;
  const [[time] = []] = await probe(context, ["DATE_FORMAT(NOW(), '%Y-%m-%d %H:%i:%s')"]);
  return time ?? undefined;
}

/** What the sources may hold in each row; the rows come in any order. */
async function formsOf(
  context: CaptureContext,
  change: KeyChange,
  { table, rows }: TableImage,
  sources: readonly Source[],
  write: WritePlaceholder,
): Promise<readonly RowForms[]> {
  const reference = referenceOf(change.table);
  const plan = planOf(table, context.session);
  const readers = sources.map(({ column, assigned }) => {
    if (assigned === undefined) return undefined;
    const reader = storedForms(column);
    if (reader === undefined) throw refused(table, column.name, `of type ${column.dataType}`);
    return { reader, probes: [`(${assigned}) IS NULL`, ...reader.probes(assigned)] };
  });
  const expressions = readers.flatMap((reader) => reader?.probes ?? []);
  const { fields, rows: read } = await context.session.executor.query(
    change.query([plan.selectList(reference), ...expressions], { table, rows }, write),
  );
  const images = plan.decode(
    {
      fields: fields.slice(0, plan.width),
      rows: read.map((raw) => raw.slice(0, plan.width)),
      affectedRows: 0,
      warningStatus: 0,
    },
    { optional: change.optional },
  );
  const all: RowForms[] = [];
  for (const [index, raw] of read.entries()) {
    const forms = new Map<ColumnDefinition, Forms>();
    let at = plan.width;
    for (const [place, { column }] of sources.entries()) {
      const reader = readers[place];
      if (reader === undefined) {
        forms.set(column, [images[index]!.row[column.position] ?? null]);
        continue;
      }
      const [isNull, ...answers] = raw
        .slice(at, at + reader.probes.length)
        .map((value) => value?.toString('latin1') ?? null);
      at += reader.probes.length;
      if (isNull !== '1') {
        const own = reader.reader.forms(answers, '');
        if (own.length === 0) throw refused(table, column.name, 'to a value that may be converted');
        forms.set(column, own);
      } else if (column.nullable || change.refusesNull) {
        forms.set(column, [null]);
      } else {
        // No key column is NULL: another value is stored in its place.
        const own = emptyForms(column);
        if (own.length === 0) throw refused(table, column.name, 'to NULL');
        forms.set(column, own);
      }
    }
    all.push(forms);
  }
  return all;
}

/** The same with what the generated columns of the key are computed to. */
async function keyForms(
  context: CaptureContext,
  table: TableDefinition,
  sources: readonly Source[],
  rows: readonly RowForms[],
): Promise<readonly RowForms[]> {
  const computed = sources.filter(
    ({ column }) =>
      column.generated &&
      basesOf(table, column).some((base) =>
        sources.some(({ column: other, assigned }) => other === base && assigned !== undefined),
      ),
  );
  const all = rows.map((forms) => new Map(forms));
  for (const { column } of computed) {
    const bases = basesOf(table, column);
    const forms = await generatedForms(
      context,
      table,
      column,
      rows.map((row) => bases.map((base) => row.get(base)!)),
    );
    if (forms === undefined) throw refused(table, column.name, 'which also changes by itself');
    for (const [index, own] of forms.entries()) all[index]!.set(column, own);
  }
  return all;
}
