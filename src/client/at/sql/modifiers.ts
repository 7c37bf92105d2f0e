import type { Cursor } from './cursor.js';
import { unsupported } from './refusal.js';

/** Reserved words; QUICK is not one of them, and may be the table's name except in a DELETE. */
const MODIFIERS = ['LOW_PRIORITY', 'HIGH_PRIORITY', 'DELAYED', 'IGNORE'];

/** Steps over the modifiers behind a verb; those that change which rows are written are refused. */
export function readModifiers(cursor: Cursor, verb: string, harmless: readonly string[]): void {
  while (harmless.includes(cursor.word) || MODIFIERS.includes(cursor.word)) {
    if (!harmless.includes(cursor.word)) unsupported(`${verb} ${cursor.word}`);
    cursor.index++;
  }
}
