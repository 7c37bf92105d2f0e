import { GlobalTxError } from '../../protocol/errors.js';
import type { SessionFacts } from '../at/branch/database.js';

/**
 * Character sets in which a byte of a character may look like a quote or a backslash. mysql2 encodes them by tables
 * that differ from the server's (the yen sign becomes the backslash of sjis, big5 gets leads that the server does not
 * know), and then the server finds another end of a string than we do.
 */
const AMBIGUOUS = new Set(['sjis', 'cp932', 'ujis', 'eucjpms', 'big5', 'gbk', 'gb18030', 'swe7']);

const BEYOND_ASCII = /[^\p{ASCII}]/u;

/** @throws GlobalTxError STATEMENT_NOT_UNDERSTOOD for text whose bytes the server may read otherwise */
export function refuseAmbiguousText(
  { clientCharset }: SessionFacts,
  text: string,
  parameters: readonly unknown[],
): void {
  if (!AMBIGUOUS.has(clientCharset)) return;
  if (![text, ...parameters].some((part) => BEYOND_ASCII.test(written(part)))) return;
  throw new GlobalTxError(
    'STATEMENT_NOT_UNDERSTOOD',
    `Text beyond ASCII in the character set ${clientCharset} is not supported inside a global transaction: the server ` +
      'may read its bytes otherwise. Connect with utf8mb4; the columns may keep their character set.',
    { construct: `text in ${clientCharset}` },
  );
}

function written(part: unknown): string {
  if (typeof part === 'string') return part;
  return typeof part === 'object' && part !== null && !ArrayBuffer.isView(part) ? JSON.stringify(part) : '';
}

/** @throws GlobalTxError STATEMENT_UNSUPPORTED when the images would not have all rows */
export function refuseLimitedReads({ selectLimited }: SessionFacts): void {
  if (!selectLimited) return;
  throw new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    'sql_select_limit is set in this session (--safe-updates does so too), and would cut off the images of rows. ' +
      'SET sql_select_limit = DEFAULT first.',
    { construct: 'sql_select_limit' },
  );
}
