import { GlobalTxError } from '../../../protocol/errors.js';
import type { Row } from '../image/row.js';

/** What the images of one local transaction may take, in bytes, unless an option says otherwise. */
export const DEFAULT_UNDO_LIMIT = 256 * 1024 * 1024;

/** A value's place in a row beside its bytes: many short values take more memory than one long one. */
const VALUE_BYTES = 32;

/** What a value counts for. */
export function valueBytes(value: { readonly length: number } | null): number {
  return VALUE_BYTES + (value?.length ?? 0);
}

export function rowBytes(row: Row): number {
  return row.reduce<number>((sum, value) => sum + valueBytes(value), 0);
}

export function tooLarge(limit: number): GlobalTxError {
  return new GlobalTxError(
    'UNDO_RECORD_TOO_LARGE',
    `The images of the rows that this local transaction changes take more than the ${limit} bytes that they may. ` +
      'Change fewer rows in one local transaction, or raise the option undoLimit.',
    { details: { limit: String(limit), option: 'undoLimit' } },
  );
}
