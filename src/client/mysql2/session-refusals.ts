import { GlobalTxError } from '../../protocol/errors.js';
import type { SessionFacts } from '../at/branch/database.js';

/**
 * Character sets in which a byte of a character may look like a quote or a backslash. mysql2 encodes them by tables
 * that differ from the server's (the yen sign becomes the backslash of sjis, big5 gets leads that the server does not
 * know), and then the server finds another end of a string than we do.
 */
const AMBIGUOUS = new Set(['sjis', 'cp932', 'ujis', 'eucjpms', 'big5', 'gbk', 'gb18030', 'swe7']);

const BEYOND_ASCII = /[^\p{ASCII}]/u;

/** mysql2 encodes them for utf8mb3 as two surrogates of three bytes each, which the server takes for no text at all. */
const BEYOND_THREE_BYTES = /[\u{10000}-\u{10ffff}]/u;

/** @throws GlobalTxError STATEMENT_NOT_UNDERSTOOD for text whose bytes the server may read otherwise */
export function refuseAmbiguousText(
  { clientCharset }: SessionFacts,
  text: string,
  parameters: readonly unknown[],
): void {
  const misread = misreadIn(clientCharset);
  if (misread === undefined) return;
  if (![text, ...parameters].some((part) => misread.test(written(part)))) return;
  const limit = misread === BEYOND_ASCII ? 'ASCII' : 'U+FFFF';
  throw new GlobalTxError(
    'STATEMENT_NOT_UNDERSTOOD',
    `Text beyond ${limit} in the character set ${clientCharset} is not supported inside a global transaction: the server ` +
      'may read its bytes otherwise. Connect with utf8mb4; the columns may keep their character set.',
    { construct: `text in ${clientCharset}` },
  );
}

function misreadIn(charset: string): RegExp | undefined {
  if (AMBIGUOUS.has(charset)) return BEYOND_ASCII;
  return charset === 'utf8mb3' || charset === 'utf8' ? BEYOND_THREE_BYTES : undefined;
}

function written(part: unknown): string {
  if (typeof part === 'string') return part;
  return typeof part === 'object' && part !== null && !ArrayBuffer.isView(part) ? JSON.stringify(part) : '';
}

/**
 * @throws GlobalTxError STATEMENT_UNSUPPORTED when the images would not have all rows, or when the end of a local
 * transaction would be the beginning of another that is not seen
 */
export function refuseSettings({ selectLimited, chains }: SessionFacts): void {
  if (chains) {
    throw new GlobalTxError(
      'STATEMENT_UNSUPPORTED',
      'completion_type is set in this session: its COMMIT would begin another local transaction, or end the session. ' +
        'SET completion_type = NO_CHAIN first, and write COMMIT AND CHAIN where you want it.',
      { construct: 'completion_type' },
    );
  }
  if (!selectLimited) return;
  throw new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    'sql_select_limit is set in this session (--safe-updates does so too), and would cut off the images of rows. ' +
      'SET sql_select_limit = DEFAULT first.',
    { construct: 'sql_select_limit' },
  );
}
