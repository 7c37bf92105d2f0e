import { GlobalTxError } from '../../../protocol/errors.js';

/**
 * The table is not what its definition says any more: somebody has altered it. Forget the definition, load it
 * again, and read once more.
 */
export class TableChanged extends GlobalTxError {
  readonly schema: string;
  readonly table: string;

  constructor(schema: string, table: string, difference: string) {
    super(
      'TABLE_CHANGED',
      `Table ${schema}.${table} was altered: ${difference}. Run the local transaction again.`,
      {
        construct: `table \`${table}\``,
      },
    );
    this.schema = schema;
    this.table = table;
  }

  /** A GlobalTxError knows its like by a mark that all of them have. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof GlobalTxError && value.code === 'TABLE_CHANGED';
  }
}
