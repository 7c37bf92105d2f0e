import { quoteIdentifier } from '../sql/identifier.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition } from '../table/definition.js';
import { valueLiteral } from './literal.js';
import type { ColumnValue } from './row.js';

/** Collations in which every character has one weight. */
const CHARACTER_BY_CHARACTER = /_(?:general_ci|bin)$|^latin1_(?:swedish_ci|general_c[is])$/;
const ASCII = /^\p{ASCII}*$/u;
/** Of cp1252, which is MySQL's latin1, what Node.js reads alike. */
const LATIN1 = /^[\x20-\x7e\xa0-\xff]*$/;

/**
 * A condition for a column of which an index holds the beginning alone: the rows that have the same there as one of
 * several values. By the index: a range of it, of which the beginning is compared.
 * @returns undefined where such a range is not known
 */
export function prefixCondition(
  column: ColumnDefinition,
  forms: readonly ColumnValue[],
  length: number,
  server: 'mysql' | 'mariadb',
): string | undefined {
  const conditions = forms.map((form) =>
    columnFamily(column) === 'text' && column.charset !== null
      ? textBeginning(column, form, length, server)
      : bytesBeginning(column, form, length),
  );
  if (conditions.some((condition) => condition === undefined)) return undefined;
  return `(${conditions.join(' OR ')})`;
}

function hex(bytes: Buffer): string {
  return `X'${bytes.toString('hex')}'`;
}

function bytesBeginning(column: ColumnDefinition, form: ColumnValue, length: number): string | undefined {
  if (!Buffer.isBuffer(form)) return undefined;
  const name = quoteIdentifier(column.name);
  if (form.length < length) return `${name}=${hex(form)}`;
  const beginning = form.subarray(0, length);
  return `(${name}>=${hex(beginning)} AND ${name}<=${hex(Buffer.concat([beginning, Buffer.alloc(255, 255)]))} AND LEFT(${name},${length})=${hex(beginning)})`;
}

function textBeginning(
  column: ColumnDefinition,
  form: ColumnValue,
  length: number,
  server: 'mysql' | 'mariadb',
): string | undefined {
  const text = textOf(column, form);
  if (text === undefined || column.dataType === 'char') return undefined;
  const name = quoteIdentifier(column.name);
  const beginning = Array.from(text).slice(0, length);
  const short = beginning.length < length;
  const simple = ASCII.test(text) || CHARACTER_BY_CHARACTER.test(column.collation ?? '');
  // 'ß' is the beginning of 'ssx' there, which no pattern says.
  if (short && !simple) return undefined;
  const whole = valueLiteral({ ...column, charset: 'utf8mb4' }, beginning.join(''), server);
  // Where trailing spaces do not count, 'a' is the beginning of 'a  b'.
  const padded = beginning.join('').padEnd(beginning.join('').length + length - beginning.length);
  const pattern = `${padded.replace(/[%_|]/g, '|$&')}%`;
  const like = `${name} LIKE _utf8mb4 ${hex(Buffer.from(pattern, 'utf8'))} ESCAPE _utf8mb4'|'`;
  return `((${name} IN (${whole}) OR ${like}) AND LEFT(${name},${length}) IN (${whole}))`;
}

/** As text, where it is known for certain. */
function textOf({ charset }: ColumnDefinition, form: ColumnValue): string | undefined {
  if (typeof form === 'string') return form;
  if (form === null) return undefined;
  if (charset === 'ucs2' || charset === 'utf16') {
    return form.length % 2 === 0 ? Buffer.from(form).swap16().toString('utf16le') : undefined;
  }
  const text = form.toString('latin1');
  if (charset === 'latin1') return LATIN1.test(text) ? text : undefined;
  return ASCII.test(text) && !/^(?:utf16le|utf32|utf8)/.test(charset ?? '') && !/[\\~]/.test(text)
    ? text
    : undefined;
}
