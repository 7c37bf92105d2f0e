import { GlobalTxError } from '../../protocol/errors.js';
import type { Statement } from '../at/sql/analysis.js';

/** What the application is told of a statement that the analysis refuses. */
export function refusalOf(statement: Extract<Statement, { kind: 'refused' }>): GlobalTxError {
  const advice =
    statement.code === 'STATEMENT_UNSUPPORTED'
      ? 'Run it outside of the global transaction, or write it in a supported form (docs/errors.md).'
      : 'Write it in a simpler form, or run it outside of the global transaction.';
  return new GlobalTxError(
    statement.code,
    `${statement.construct} is not supported inside a global transaction. ${advice}`,
    { construct: statement.construct },
  );
}
