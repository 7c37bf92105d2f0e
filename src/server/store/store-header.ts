import { GlobalTxError } from '../../protocol/errors.js';
import { corrupt, RECORD_FORMAT, seal, unseal } from './record-codec.js';

/** Where the header stands. No record's key begins with this letter. */
export const HEADER_KEY = Buffer.from('header');

/**
 * What the store says of itself: its format, how many values it holds, and the sum of their checksums.
 * The engine beneath has no checksums of its own; a damaged inner page can hide values that are each
 * whole. Number and sum show that, and they change in the same write as the values.
 */
export interface StoreHeader {
  readonly format: number;
  readonly records: number;
  readonly sum: number;
}

export const EMPTY_HEADER: StoreHeader = { format: RECORD_FORMAT, records: 0, sum: 0 };

const SUM_MODULUS = 2 ** 48;

/** A value more. */
export function withValue(header: StoreHeader, checksum: number): StoreHeader {
  return { ...header, records: header.records + 1, sum: (header.sum + checksum) % SUM_MODULUS };
}

/** A value less. */
export function withoutValue(header: StoreHeader, checksum: number): StoreHeader {
  return {
    ...header,
    records: header.records - 1,
    sum: (header.sum - checksum + SUM_MODULUS) % SUM_MODULUS,
  };
}

export function encodeHeader(header: StoreHeader): Buffer {
  return seal(HEADER_KEY, JSON.stringify(header));
}

/** @throws GlobalTxError STORE_CORRUPT; STORE_FORMAT when a newer globaltx has written the store. */
export function decodeHeader(value: Buffer): StoreHeader {
  const header = JSON.parse(unseal(HEADER_KEY, value)) as StoreHeader;
  if (header.format > RECORD_FORMAT) {
    throw new GlobalTxError(
      'STORE_FORMAT',
      `The store has format ${header.format}; this globaltx-server knows formats up to ${RECORD_FORMAT}. ` +
        'Start the version that has written it, or a newer one.',
      { details: { format: String(header.format), known: String(RECORD_FORMAT) } },
    );
  }
  return header;
}

/** @throws GlobalTxError STORE_CORRUPT when the values that were read are not those that were written. */
export function requireSame(found: StoreHeader, written: StoreHeader): void {
  if (found.records === written.records && found.sum === written.sum) return;
  throw corrupt(
    HEADER_KEY,
    `${written.records} values with the checksum ${written.sum} were written, ` +
      `${found.records} with the checksum ${found.sum} were found`,
  );
}
