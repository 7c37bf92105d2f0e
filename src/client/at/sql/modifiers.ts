import type { Cursor } from './cursor.js';
import { unsupported } from './refusal.js';

/** Reserved words; QUICK is not one of them, and may be the table's name except in a DELETE. */
const MODIFIERS = ['LOW_PRIORITY', 'HIGH_PRIORITY', 'DELAYED', 'IGNORE'];

/** Steps over the modifiers behind a verb and gives them; those that are not `harmless` are refused. */
export function readModifiers(
  cursor: Cursor,
  verb: string,
  harmless: readonly string[],
): ReadonlySet<string> {
  const read = new Set<string>();
  while (harmless.includes(cursor.word) || MODIFIERS.includes(cursor.word)) {
    if (!harmless.includes(cursor.word)) unsupported(`${verb} ${cursor.word}`);
    read.add(cursor.word);
    cursor.index++;
  }
  return read;
}
