/**
 * The table is not what its definition says any more: somebody has altered it. Forget the definition, load it
 * again, and read once more.
 */
export class TableChanged extends Error {
  override readonly name = 'TableChanged';
  readonly schema: string;
  readonly table: string;

  constructor(schema: string, table: string, difference: string) {
    super(`Table ${schema}.${table} was altered: ${difference}.`);
    this.schema = schema;
    this.table = table;
  }
}
