import { quoteIdentifier } from '../sql/identifier.js';
import { columnFamily } from './column-family.js';
import type { ColumnDefinition, TableDefinition } from './definition.js';

export interface ReferencePair {
  readonly child: string;
  readonly parent: string;
}

/**
 * The condition of a join of children (`child`) with their parents (`parent`), as InnoDB has it for a foreign key: ENUM
 * and SET by their numbers. Their names may be in different collations, in which nothing compares.
 * @param own the table of one side, whose columns are like those of the other
 * @param side which side that is
 */
export function referenceJoin(
  pairs: readonly ReferencePair[],
  own: Pick<TableDefinition, 'columns'>,
  side: keyof ReferencePair,
): string {
  const typeOf = (pair: ReferencePair): ColumnDefinition | undefined =>
    own.columns.find(({ name }) => name.toLowerCase() === pair[side].toLowerCase());
  return pairs
    .map((pair) => {
      const column = typeOf(pair);
      const family = column && columnFamily(column);
      const byNumber = family === 'enum' || family === 'set' ? '+0' : '';
      const name = (table: keyof ReferencePair) => `${table}.${quoteIdentifier(pair[table])}${byNumber}`;
      return `${name('child')} = ${name('parent')}`;
    })
    .join(' AND ');
}
