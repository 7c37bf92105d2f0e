import { randomBytes } from 'node:crypto';

/**
 * An xid names one global transaction. It is chosen by the client that begins it, so that begin needs no
 * round trip: 48 bits of time in milliseconds, then 80 random bits, as 32 lower-case hexadecimal digits.
 * It lets its bearer join the transaction, so it must not be guessable. Xids of other makers (up to the
 * 128 bytes of the undo log's column) are accepted.
 */
export function newXid(now: number = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  return bytes.toString('hex');
}

const XID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Whether a text that came from outside may be used as an xid. */
export function isXid(text: string): boolean {
  return XID.test(text);
}
