/** Of numbers as the server prints them: DECIMALs digit for digit, DOUBLEs in any form. */
const DECIMAL = /^(-?)(\d+)(?:\.(\d*))?$/;
const EXACT_DOUBLES = 2 ** 53;

/** The integers that a number may be rounded to: two where it stands in the middle, which servers round either way. */
export function wholeNumbers(text: string): readonly bigint[] {
  const [, sign, whole = '', fraction = ''] = DECIMAL.exec(text) ?? [];
  if (sign === undefined) return roundedDouble(Number(text));
  const below = BigInt(whole);
  const near = /^50*$/.test(fraction) ? [below, below + 1n] : [fraction >= '5' ? below + 1n : below];
  return sign === '-' ? near.map((number) => -number) : near;
}

function roundedDouble(value: number): readonly bigint[] {
  if (!Number.isFinite(value)) return [];
  if (Math.abs(value) >= EXACT_DOUBLES) return [BigInt(value)];
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return [BigInt(below), BigInt(below + 1)];
  return [BigInt(rest < 0.5 ? below : below + 1)];
}

/** No further than the ends of a type. */
export function clipped(number: bigint, least: bigint, most: bigint): bigint {
  if (number < least) return least;
  return number > most ? most : number;
}
