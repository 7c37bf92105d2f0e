import type { Cursor } from './cursor.js';
import { unsupported } from './refusal.js';

const MODIFIERS = ['LOW_PRIORITY', 'HIGH_PRIORITY', 'DELAYED', 'QUICK', 'IGNORE'];

/** Steps over the modifiers behind a verb; those that change which rows are written are refused. */
export function readModifiers(cursor: Cursor, verb: string, harmless: readonly string[]): void {
  while (MODIFIERS.includes(cursor.word)) {
    if (!harmless.includes(cursor.word)) unsupported(`${verb} ${cursor.word}`);
    cursor.index++;
  }
}
