import type { Clause, UpdateStatement } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import { mayChange } from './cascades.js';

const ITEM = String.raw`(?:\?|-?\d+|'[^'\\]*')`;
const COLUMN = String.raw`(?:(?:\w+|\`\w+\`)\.)?(?:(\w+)|\`(\w+)\`)`;

/** `id = ?`, `a.id = 5`, `id IN (?, ?)` */
const BY_VALUES = new RegExp(
  String.raw`^\s*${COLUMN}\s*(?:=\s*${ITEM}|IN\s*\(\s*${ITEM}(?:\s*,\s*${ITEM})*\s*\))\s*$`,
  'i',
);

/** Beside these words AND may stand inside of a condition, and not between two of them. */
const NOT_ONLY_AND = /\b(?:OR|XOR|BETWEEN|CASE|SELECT)\b|\|\||&&|--|#|\/\*/i;

interface Part {
  readonly begin: number;
  readonly end: number;
}

/** What stands between the ANDs of a condition that is a list of them; else the whole of it. */
function partsOf(text: string): readonly Part[] {
  if (NOT_ONLY_AND.test(text)) return [{ begin: 0, end: text.length }];
  const parts: Part[] = [];
  let begin = 0;
  for (const { index, 0: word } of text.matchAll(/\bAND\b/gi)) {
    parts.push({ begin, end: index });
    begin = index + word.length;
  }
  return [...parts, { begin, end: text.length }];
}

function joined(clause: Clause, parts: readonly Part[]): Clause {
  let text = '';
  const placeholders: number[] = [];
  const offsets: number[] = [];
  for (const { begin, end } of parts) {
    if (text !== '') text += ' AND ';
    clause.offsets.forEach((offset, at) => {
      if (offset < begin || offset >= end) return;
      placeholders.push(clause.placeholders[at]!);
      offsets.push(text.length + offset - begin);
    });
    text += clause.text.slice(begin, end);
  }
  return { text, placeholders, offsets };
}

/**
 * The conditions of an UPDATE that name its rows by their key, which it does not change: they find the rows after it,
 * too. A row that is found is told by its key, so that one too many does no harm; undefined where there are none.
 */
export function foundAgainBy(statement: UpdateStatement, table: TableDefinition): Clause | undefined {
  const { where } = statement;
  if (where === null) return undefined;
  const columns = table.key.columns.filter((name) => !mayChange(table, statement.assigned, [name]));
  const named = new Map<string, Part>();
  const parts = partsOf(where.text);
  for (const part of parts) {
    const [, plain, quoted] = BY_VALUES.exec(where.text.slice(part.begin, part.end)) ?? [];
    const name = (plain ?? quoted)?.toLowerCase();
    const column = columns.find((each) => each.toLowerCase() === name);
    if (column !== undefined) named.set(column, part);
  }
  // Of a key of several columns all are needed, or many rows beside would be read, unless the UPDATE names no more either.
  const whole = named.size === table.key.columns.length || (parts.length === 1 && named.size === 1);
  return whole ? joined(where, Array.from(named.values())) : undefined;
}
