import { GlobalTxError } from '../../../protocol/errors.js';
import { KEYS_PER_QUERY, keyCondition, keyIndexHint } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import type { Assignment, UpdateStatement } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { newKeysQuery, referenceOf, type WritePlaceholder } from './queries.js';
import { readImage, type TableImage } from './read-image.js';
import { isStrict } from './strict-mode.js';

/** How the new value of a key column is read, as text that makes a literal. */
interface NewValue {
  /** The expression whose result is ASCII, given what the column is assigned. */
  readonly read: (expression: string) => string;
  readonly literal: (text: string) => string;
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

/** Whether a column of the key is assigned. */
export function changesKey(table: TableDefinition, assigned: readonly string[]): boolean {
  return table.key.columns.some((key) => assigned.some((column) => sameName(column, key)));
}

function newValue(table: TableDefinition, column: ColumnDefinition): NewValue {
  const size = /\([\d,]+\)/.exec(column.columnType)?.[0] ?? '';
  const quoted = (text: string) => `'${text}'`;
  const hex = (prefix: string) => (text: string) => `${prefix}X'${text}'`;
  switch (columnFamily(column)) {
    case 'integer':
      return { read: (expression) => `CAST(${expression} AS DECIMAL(30))`, literal: (text) => text };
    case 'decimal':
      return { read: (expression) => `CAST(${expression} AS DECIMAL${size})`, literal: (text) => text };
    case 'date':
      return {
        read: (expression) => `CAST(${expression} AS ${column.dataType.toUpperCase()}${size})`,
        literal: quoted,
      };
    case 'text':
      return { read: (expression) => `HEX(CONVERT(${expression} USING utf8mb4))`, literal: hex('_utf8mb4 ') };
    case 'bytes':
      if (column.dataType === 'binary' || column.dataType === 'varbinary') {
        const fixed = column.dataType === 'binary' ? size : '';
        return { read: (expression) => `HEX(CAST(${expression} AS BINARY${fixed}))`, literal: hex('') };
      }
  }
  throw refused(table, column.name, `of type ${column.dataType}`);
}

/** The assignment of a key column, if there is one whose value is the same when it is read before. */
function assignmentOf(
  table: TableDefinition,
  { assignments }: UpdateStatement,
  column: string,
): Assignment | undefined {
  const own = assignments.filter((assignment) => sameName(assignment.column, column));
  const [only] = own;
  if (only === undefined) return undefined;
  const text = only.value.text.toLowerCase();
  if (own.length > 1) throw refused(table, column, 'twice');
  if (only.volatile || /^\s*default\s*$/.test(text))
    throw refused(table, column, 'to a value that cannot be read beforehand');
  // An assignment sees those before it.
  for (const before of assignments.slice(0, assignments.indexOf(only))) {
    if (text.includes(before.column.toLowerCase()))
      throw refused(table, column, `by \`${before.column}\`, which the same statement has changed before`);
  }
  return only;
}

/**
 * Where the rows of an UPDATE that changes their keys go: read before it runs, found again after it.
 */
export class NewKeys {
  readonly #context: CaptureContext;
  readonly #table: TableDefinition;
  /** One for each row. */
  readonly #conditions: readonly string[];
  /** Rows that were at the new places before, by identity: those that move away, and others. */
  readonly #present: ReadonlyMap<string, ImageRow>;

  private constructor(
    context: CaptureContext,
    table: TableDefinition,
    conditions: readonly string[],
    present: ReadonlyMap<string, ImageRow>,
  ) {
    this.#context = context;
    this.#table = table;
    this.#conditions = conditions;
    this.#present = present;
  }

  /**
   * Reads the new keys of the rows, and locks what is there.
   * @throws GlobalTxError STATEMENT_UNSUPPORTED when they cannot be known before the statement runs
   */
  static async read(
    context: CaptureContext,
    statement: UpdateStatement,
    { table, rows }: TableImage,
    write: WritePlaceholder,
  ): Promise<NewKeys> {
    if (statement.ignore) throw refused(table, table.key.columns[0]!, 'with IGNORE');
    const reference = referenceOf(statement.table);
    const columns = table.key.columns.map((name) => {
      const column = table.columns.find((candidate) => candidate.name === name)!;
      if (column.generated || column.updatesItself)
        throw refused(table, name, 'which also changes by itself');
      const assignment = assignmentOf(table, statement, name);
      return { name, assignment, value: newValue(table, column) };
    });
    const conditions: string[] = [];
    const server = context.session.facts.dialect.server;
    for (let from = 0; from < rows.length; from += KEYS_PER_QUERY) {
      const keys = rows.slice(from, from + KEYS_PER_QUERY).map((image) => image.row);
      const condition = keyCondition(table, keys, server, reference);
      const result = await context.session.executor.query(
        newKeysQuery(
          statement,
          columns.map(({ name, assignment, value }) => ({
            assigned: assignment?.value ?? `${reference}.${quoteIdentifier(name)}`,
            read: value.read,
          })),
          condition,
          write,
        ),
      );
      for (const raw of result.rows) {
        // No key column is NULL: outside of strict mode another value is stored in its place.
        const emptied = columns.find((_, at) => (raw[at] ?? null) === null);
        if (emptied !== undefined && !(await isStrict(context)))
          throw refused(table, emptied.name, 'to NULL');
        const parts = columns.map(({ name, value }, at) => {
          const text = raw[at]?.toString('latin1');
          return text === undefined ? 'FALSE' : `${quoteIdentifier(name)} = ${value.literal(text)}`;
        });
        conditions.push(`(${parts.join(' AND ')})`);
      }
    }
    const unread = new NewKeys(context, table, conditions, new Map());
    const present = await unread.#rows();
    return new NewKeys(context, table, conditions, present);
  }

  /**
   * The moved rows, with what was in their places before; undefined when they are not all where they were to
   * go. Distinct rows have distinct keys, so that as many new rows as were read are all of them.
   */
  async find(
    moved: readonly ImageRow[],
  ): Promise<readonly { readonly image: ImageRow; readonly before: ImageRow | null }[] | undefined> {
    const movers = new Set(moved.map((image) => image.identity));
    const found = Array.from((await this.#rows()).values()).filter(
      ({ identity }) => movers.has(identity) || !this.#present.has(identity),
    );
    if (found.length !== moved.length) return undefined;
    return found.map((image) => ({ image, before: this.#present.get(image.identity) ?? null }));
  }

  async #rows(): Promise<ReadonlyMap<string, ImageRow>> {
    const found = new Map<string, ImageRow>();
    for (let from = 0; from < this.#conditions.length; from += KEYS_PER_QUERY) {
      const condition = this.#conditions.slice(from, from + KEYS_PER_QUERY).join(' OR ');
      const { rows } = await readImage(this.#context, this.#table, (plan, table) => {
        const reference = referenceOf({ schema: table.schema, name: table.name, alias: null });
        const from = `${reference} ${keyIndexHint(table)}`;
        return `SELECT ${plan.selectList(reference)} FROM ${from} WHERE ${condition} FOR UPDATE`;
      });
      for (const image of rows) found.set(image.identity, image);
    }
    return found;
  }
}
