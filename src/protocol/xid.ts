import { randomFillSync } from 'node:crypto';

const BYTES = 16;
const TIME_BYTES = 6;

/** Random bytes for many xids: to ask for those of one alone costs more than all else of it. */
const pool = Buffer.alloc(256 * BYTES);
let used = pool.length;

/**
 * An xid names one global transaction. It is chosen by the client that begins it, so that begin needs no
 * round trip: 48 bits of time in milliseconds, then 80 random bits, as 32 lower-case hexadecimal digits.
 * It lets its bearer join the transaction, so it must not be guessable. Xids of other makers (up to the
 * 128 bytes of the undo log's column) are accepted.
 */
export function newXid(now: number = Date.now()): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  pool.writeUIntBE(now, used, TIME_BYTES);
  used += BYTES;
  return pool.toString('hex', used - BYTES, used);
}

const XID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Whether a text that came from outside may be used as an xid. */
export function isXid(text: string): boolean {
  return XID.test(text);
}
