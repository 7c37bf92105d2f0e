import type { ColumnDefinition } from '../table/definition.js';
import { sizesOf } from './plain-value.js';

/** FLOAT(7,3), DOUBLE(12,2): numbers that are rounded when they are stored. */
export function isScaledFloat(column: ColumnDefinition): boolean {
  return /^(?:float|double)$/.test(column.dataType) && sizesOf(column).length === 2;
}

/**
 * Whether a number is what such a column makes of it, so that a literal restores it. From another FLOAT or DOUBLE MySQL copies
 * it as it is. Both servers round the part behind the point by itself (Field_real::truncate), which makes
 * -0.030000000000000027 of -0.03 in a DOUBLE(12,2).
 */
export function isRounded(column: ColumnDefinition, number: number): boolean {
  const [digits = 0, fraction = 0] = sizesOf(column);
  const stored = (value: number) => (column.dataType === 'float' ? Math.fround(value) : value);
  const scale = Number(`1e${fraction}`);
  const whole = Math.floor(number);
  const rounded = whole + Math.round((number - whole) * scale) / scale;
  // -0 is none that they make, and equal to one.
  return (
    Object.is(stored(rounded), number) &&
    Math.abs(number) <= stored(Number(`1e${digits - fraction}`) - 1 / scale)
  );
}
