import type { ColumnDefinition } from '../table/definition.js';
import { sizesOf } from './plain-value.js';

/** FLOAT(7,3), DOUBLE(12,2): numbers that are rounded when they are stored. */
export function isScaledFloat(column: ColumnDefinition): boolean {
  return /^(?:float|double)$/.test(column.dataType) && sizesOf(column).length === 2;
}

/**
 * Whether a number is one that such a column rounds to. From another FLOAT or DOUBLE MySQL copies it as it is, and no
 * literal can say it then, nor an index find it.
 */
export function isRounded(column: ColumnDefinition, number: number): boolean {
  const [digits = 0, fraction = 0] = sizesOf(column);
  const stored = (value: number) => (column.dataType === 'float' ? Math.fround(value) : value);
  const scale = 10 ** fraction;
  const near = Math.abs(stored(Math.round(number * scale) / scale) - number) <= Math.abs(number) * 2 ** -50;
  return near && Math.abs(number) <= stored((10 ** digits - 1) / scale);
}
