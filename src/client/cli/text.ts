/** What comes from elsewhere (names, details, rows) must not steer the terminal. */
export function plain(text: string): string {
  return text.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

const CONTROL = /\p{Cc}/gu;

/** Rows under their headings, in columns. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows.map((row) => row.map(plain))];
  const widths = headings.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) => line.map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd(widths[at]!))))
    .map((cells) => `${cells.join('  ').trimEnd()}\n`)
    .join('');
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** 93784000 -> '1d 2h'; what is below a second is in milliseconds. */
export function duration(ms: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, ms);
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.length === 0 ? `${rest}ms` : parts.slice(0, 2).join(' ');
}

/** '90', '90s', '15m', '2h', '1d' in milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const [, count, name] = /^(\d{1,9})(ms|[smhd])?$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  if (name === 'ms') return Number(count);
  return Number(count) * (UNITS.find(([unit]) => unit === (name ?? 's'))?.[1] ?? 1_000);
}

/** Milliseconds since 1970 as the coordinator sends them; null for never. */
export function time(ms: string): string | null {
  return ms === '0' ? null : new Date(Number(ms)).toISOString();
}
