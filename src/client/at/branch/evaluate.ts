import type { RawResult } from '../executor.js';
import { besideText, isAssignedByType, type SourceColumn, sourceColumn } from '../image/source-column.js';
import { WIDE_CHARSETS } from '../image/star-fields.js';
import type { InsertValue } from '../sql/analysis.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { wideResults } from './probe.js';

/** Rows as a server has evaluated them, as values of an INSERT; refused: why they cannot be written exactly. */
export type Evaluated = { readonly rows: readonly (readonly InsertValue[])[] } | { readonly refused: string };

/** The same of a query, and whether the server may refuse to put its columns into others for their types alone. */
export type EvaluatedQuery =
  | { readonly rows: readonly (readonly InsertValue[])[]; readonly byType: boolean }
  | { readonly refused: string };

const SOURCE = 'globaltx_source';
const RESULTS_CHARSET = 'CAST(@@character_set_results AS BINARY)';

const columnName = (index: number) => `c${index}`;

/** The query by a name of its own, with a name for each column: several may have the same one. */
function named(query: string, columns: number): string {
  const names = Array.from({ length: columns }, (_, index) => columnName(index));
  return `WITH ${SOURCE} (${names.join(',')}) AS (\n${query}\n)`;
}

/**
 * Evaluates a query once.
 * @param query with a LIMIT: MariaDB evaluates what has none as often as it is mentioned
 * @param targets the columns that the values are for
 * @throws the server's error
 */
export async function evaluateQuery(
  context: Pick<CaptureContext, 'session'>,
  query: string,
  targets: readonly ColumnDefinition[],
): Promise<EvaluatedQuery> {
  const { executor, facts } = context.session;
  const { server } = facts.dialect;
  const source = named(query, targets.length);
  const names = targets.map((_, index) => columnName(index));
  const head = await executor.query(`${source} SELECT ${names.join(',')} FROM ${SOURCE} WHERE FALSE`);
  const columns = head.fields.map(sourceColumn);
  const beside = columns.map((column, index) => column?.beside(names[index]!) ?? []);
  const evaluated = decode(await read(context, source, names, beside), columns, beside, targets, server);
  if ('refused' in evaluated) return evaluated;
  return { ...evaluated, byType: head.fields.some(isAssignedByType) || targets.some(isTakenByType) };
}

/** Whether MariaDB may refuse to put another column's values into it for their type alone. */
export function isTakenByType(target: ColumnDefinition): boolean {
  const family = columnFamily(target);
  const isSpatial = family === 'bytes' && !/(?:blob|binary)$/.test(target.dataType);
  return family === 'address' || isSpatial;
}

/**
 * Evaluates expressions once: not even for their types are they looked at twice, because a sequence would go on.
 * @throws the server's error
 */
export async function evaluateExpressions(
  context: Pick<CaptureContext, 'session'>,
  expressions: readonly string[],
  targets: readonly ColumnDefinition[],
): Promise<Evaluated> {
  const source = named(`SELECT\n${expressions.join('\n,')}\nLIMIT 1`, targets.length);
  const names = targets.map((_, index) => columnName(index));
  const beside = names.map(besideText);
  const result = await read(context, source, names, beside);
  const columns = names.map((_, index) => {
    const column = sourceColumn(result.fields[index * (1 + besideText('').length)]!);
    return column === undefined ? undefined : withText(column);
  });
  return decode(result, columns, beside, targets, context.session.facts.dialect.server);
}

/** The column where nothing stands beside it but what text needs; undefined where that is not enough. */
function withText(column: SourceColumn): SourceColumn | undefined {
  switch (column.needs) {
    case 'text':
      return column;
    case 'nothing':
      return { ...column, literal: (value, _, ...others) => column.literal(value, [], ...others) };
    case 'more':
      return undefined;
  }
}

function read(
  { session }: Pick<CaptureContext, 'session'>,
  source: string,
  names: readonly string[],
  beside: readonly (readonly string[])[],
): Promise<RawResult> {
  const list = names.flatMap((name, index) => [name, ...beside[index]!]);
  return session.executor.query(`${source} SELECT ${[...list, RESULTS_CHARSET].join(',')} FROM ${SOURCE}`);
}

function decode(
  { rows }: RawResult,
  columns: readonly (SourceColumn | undefined)[],
  beside: readonly (readonly string[])[],
  targets: readonly ColumnDefinition[],
  server: 'mysql' | 'mariadb',
): Evaluated {
  const decoded: InsertValue[][] = [];
  for (const raw of rows) {
    const results = raw.at(-1)?.toString('latin1') ?? 'binary';
    if (WIDE_CHARSETS.has(results)) throw wideResults(results);
    const values: InsertValue[] = [];
    let at = 0;
    for (const [index, target] of targets.entries()) {
      const star = raw[at] ?? null;
      const from = at + 1;
      at = from + beside[index]!.length;
      if (star === null) {
        values.push({ kind: 'null' });
        continue;
      }
      const literal = columns[index]?.literal(star, raw.slice(from, at), target, results, server);
      if (literal === undefined)
        return { refused: `a value for \`${target.name}\` of a type that has no literals` };
      if ('refused' in literal) return literal;
      values.push(literalValue(literal.literal));
    }
    decoded.push(values);
  }
  return { rows: decoded };
}

function literalValue(text: string): InsertValue {
  return { kind: 'literal', expression: { text, placeholders: [], offsets: [] } };
}
