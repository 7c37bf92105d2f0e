import { isUtf8 } from 'node:buffer';
import type { ColumnDefinition } from '../table/definition.js';
import type { ColumnValue } from './row.js';

const UTF8_CHARSETS = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'ascii']);

/** character_set_results under which a column's text arrives as the bytes that are stored. */
const FAITHFUL: ReadonlyMap<string, readonly string[]> = new Map([
  ['utf8mb4', ['utf8mb4']],
  ['utf8mb3', ['utf8mb3', 'utf8', 'utf8mb4']],
  ['utf8', ['utf8mb3', 'utf8', 'utf8mb4']],
  ['ascii', ['ascii', 'utf8mb3', 'utf8', 'utf8mb4', 'latin1']],
]);

export function faithfulCharsets(charset: string): readonly string[] {
  return ['binary', ...(FAITHFUL.get(charset) ?? [charset])];
}

/** How many bytes a character has at least; a space of a wide character set has as many. */
function spaceOf(charset: string): Buffer {
  switch (charset) {
    case 'ucs2':
    case 'utf16':
      return Buffer.from([0, 0x20]);
    case 'utf16le':
      return Buffer.from([0x20, 0]);
    case 'utf32':
      return Buffer.from([0, 0, 0, 0x20]);
    default:
      return Buffer.from([0x20]);
  }
}

/** CHAR is stored padded with spaces and read without them, except under PAD_CHAR_TO_FULL_LENGTH. */
function withoutPadding(bytes: Buffer, charset: string): Buffer {
  const space = spaceOf(charset);
  let end = bytes.length;
  while (end >= space.length && bytes.subarray(end - space.length, end).equals(space)) end -= space.length;
  return bytes.subarray(0, end);
}

/** Stored bytes of a text column as a value: a string where they are UTF-8, else the bytes themselves. */
export function textValue(
  column: Pick<ColumnDefinition, 'dataType' | 'charset'>,
  bytes: Buffer,
): ColumnValue {
  const charset = column.charset ?? 'utf8mb4';
  const stored = column.dataType === 'char' ? withoutPadding(bytes, charset) : bytes;
  return UTF8_CHARSETS.has(charset) && isUtf8(stored) ? stored.toString('utf8') : stored;
}
