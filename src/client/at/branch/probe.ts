import { GlobalTxError } from '../../../protocol/errors.js';
import { WIDE_CHARSETS } from '../image/star-fields.js';
import type { CaptureContext } from './capture-context.js';

const RESULTS_CHARSET = 'CAST(@@character_set_results AS BINARY)';

/** An error for a session whose results are not even ASCII. */
export function wideResults(charset: string): GlobalTxError {
  return new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `A session with character_set_results = ${charset} cannot be read inside a global transaction: what the ` +
      'server sends is not even ASCII. Use SET NAMES utf8mb4.',
    { construct: `character_set_results = ${charset}` },
  );
}

/**
 * Asks the server what expressions give, all of them at once.
 * @param expressions whose results are ASCII
 * @param from what they are over; nothing for a single row
 * @returns for each row what they give
 */
export async function probe(
  { session }: Pick<CaptureContext, 'session'>,
  expressions: readonly string[],
  from = '',
): Promise<readonly (readonly (string | null)[])[]> {
  const { rows } = await session.executor.query(
    `SELECT ${[...expressions, RESULTS_CHARSET].join(',')} ${from}`.trimEnd(),
  );
  return rows.map((row) => {
    const results = row.at(-1)?.toString('latin1') ?? 'binary';
    if (WIDE_CHARSETS.has(results)) throw wideResults(results);
    return row.slice(0, -1).map((value) => value?.toString('latin1') ?? null);
  });
}
