import { createHash } from 'node:crypto';

/** Keys longer than this, in characters, are replaced by their digest: 'sha256:' and 64 hexadecimal digits. */
const LONGEST_READABLE_KEY = 120;

/** One column's part of a key: text that is equal exactly when the database calls the values equal. */
export type LockKeyPart = string;

function escapePart(part: LockKeyPart): string {
  return part.replace(/[%/]|[^\x21-\x7e]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/**
 * The name of one row under one unique index, within its table: `PRIMARY/42`, `uk_email/61006200`.
 * Parts are escaped, so no value can look like a separator (reliability page, last list).
 */
export function lockKey(index: string, parts: readonly LockKeyPart[]): string {
  const key = [index, ...parts].map(escapePart).join('/');
  if (key.length <= LONGEST_READABLE_KEY) return key;
  return `${escapePart(index).slice(0, 40)}/sha256:${createHash('sha256').update(key).digest('hex')}`;
}
