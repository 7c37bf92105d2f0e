import type { Lane } from './lane.js';
import { type Plan, quote } from './plan.js';
import { type Place, tableName } from './render.js';

/** Two independent looks at the same rows. */
export interface State {
  /** Every definition and every byte, put together here. */
  readonly dump: string;
  /** Of each table the rows and a sum over the HEX of every column, put together by the server. */
  readonly checksum: string;
}

const SHOWN_AS_TEXT = new Set([
  'tinyint',
  'smallint',
  'mediumint',
  'int',
  'bigint',
  'decimal',
  'double',
  'year',
  'date',
  'datetime',
  'time',
  'uuid',
  'inet4',
  'inet6',
]);

function hexOf(column: string, type: string): string {
  const name = quote(column);
  if (SHOWN_AS_TEXT.has(type)) return `HEX(CAST(${name} AS CHAR))`;
  switch (type) {
    case 'float':
      return `HEX(CAST(${name} * 1e0 AS CHAR))`;
    case 'timestamp':
      return `HEX(CAST(UNIX_TIMESTAMP(${name}) AS CHAR))`;
    case 'json':
      return `CONCAT(HEX(JSON_TYPE(${name})), ':', HEX(CAST(${name} AS CHAR)))`;
    case 'enum':
    case 'set':
      return `CONCAT(HEX(CAST(${name} AS UNSIGNED)), ':', HEX(${name}))`;
    default:
      return `HEX(${name})`;
  }
}

async function checksum(lane: Lane, schema: string, table: string): Promise<string> {
  const columns = await lane.ask(
    `SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '${schema}' ` +
      `AND TABLE_NAME = '${table}' ORDER BY ORDINAL_POSITION`,
  );
  if (columns.length === 0) return 'no table';
  const parts = columns.map(([name, type]) => `COALESCE(${hexOf(String(name), String(type))}, '-')`);
  const digest = `SHA2(CONCAT_WS('|', ${parts.join(', ')}), 256)`;
  const number = (from: number) => `CAST(CONV(SUBSTRING(${digest}, ${from}, 12), 16, 10) AS UNSIGNED)`;
  const [row] = await lane.ask(
    `SELECT COUNT(*), SUM(${number(1)}), BIT_XOR(${number(13)}) FROM ${schema}.${quote(table)}`,
  );
  return (row ?? []).map(String).join(' ');
}

/** What stands in the databases of a place. */
export async function look(lane: Lane, plan: Plan, place: Place): Promise<State> {
  const dumps: string[] = [];
  const sums: string[] = [];
  for (const database of place.databases) dumps.push(await lane.server.dump(database));
  for (const [at, { database }] of plan.tables.entries()) {
    const name = tableName(place, at);
    sums.push(`table ${at}: ${await checksum(lane, place.databases[database], name)}`);
  }
  return { dump: dumps.join('======\n'), checksum: sums.join('\n') };
}

/** The lines in which two texts differ. */
export function difference(wanted: string, found: string): string {
  const [left, right] = [wanted.split('\n'), found.split('\n')];
  const minus = left.filter((line) => !right.includes(line)).map((line) => `- ${line}`);
  const plus = right.filter((line) => !left.includes(line)).map((line) => `+ ${line}`);
  const lines = [...minus, ...plus];
  return lines.length === 0 ? 'the same lines, in another order or number' : lines.join('\n');
}
