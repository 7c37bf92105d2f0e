import { exactly } from '../support/dump.js';
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

interface Column {
  readonly name: string;
  readonly type: string;
}

/**
 * The rows' digests come out of a query of their own: MySQL aggregates over no column with the empty GEOMETRY that an INSERT
 * without a column list stores for an invisible column.
 */
function checksum(table: string, columns: readonly Column[]): string {
  const parts = columns.map(({ name, type }) => `COALESCE(${hexOf(name, type)}, '-')`);
  const number = (from: number) => `CAST(CONV(SUBSTRING(digest, ${from}, 12), 16, 10) AS UNSIGNED)`;
  const digests = `SELECT SHA2(CONCAT_WS('|', ${parts.join(', ')}), 256) AS digest FROM ${table}`;
  return `SELECT /*+ NO_MERGE(row_digest) */ COUNT(*), SUM(${number(1)}), BIT_XOR(${number(13)}) FROM (${digests}) AS row_digest`;
}

/** The tables of a place as they can be looked at in one round trip. */
export class Sight {
  readonly #lane: Lane;
  /** What a table is called in a state: a twin's name must not differ. */
  readonly #titles: readonly string[];
  readonly #sql: string;

  private constructor(lane: Lane, titles: readonly string[], statements: readonly string[]) {
    this.#lane = lane;
    this.#titles = titles;
    this.#sql = statements.join(';\n');
  }

  static async of(lane: Lane, plan: Plan, place: Place): Promise<Sight> {
    const found = await lane.ask(
      `SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA IN ('${place.databases.join("', '")}') AND TABLE_NAME IN ('${plan.tables
         .map((_, at) => tableName(place, at))
         .join("', '")}')
       ORDER BY ORDINAL_POSITION`,
    );
    const titles: string[] = [];
    const statements: string[] = [];
    for (const [at, { database }] of plan.tables.entries()) {
      const [schema, name] = [place.databases[database], tableName(place, at)];
      const columns = found
        .filter(([inSchema, inTable]) => inSchema === schema && inTable === name)
        .map((row) => ({ name: String(row[2]), type: String(row[3]) }));
      // The server has not taken it.
      if (columns.length === 0) continue;
      const table = `${schema}.${quote(name)}`;
      titles.push(`table ${at}`);
      statements.push(
        `SHOW CREATE TABLE ${table}`,
        `SELECT ${columns.map(exactly).join(', ')} FROM ${table}`,
        checksum(table, columns),
      );
    }
    return new Sight(lane, titles, statements);
  }

  /** What stands in the tables now. */
  async look(): Promise<State> {
    const results = this.#titles.length === 0 ? [] : await this.#lane.askAll(this.#sql);
    const dumps: string[] = [];
    const checksums: string[] = [];
    for (const [at, title] of this.#titles.entries()) {
      const [created, rows = [], sums] = results.slice(at * 3, at * 3 + 3);
      const lines = rows.map((row) => row.map((value) => value ?? 'NULL').join(' | ')).sort();
      dumps.push(`== ${title}`, withoutCounter(String(created?.[0]?.[1])), ...lines);
      checksums.push(`${title}: ${(sums?.[0] ?? []).map(String).join(' ')}`);
    }
    return { dump: dumps.join('\n'), checksum: checksums.join('\n') };
  }
}

/** No rollback sets the counter back; and the twin's table has another name, and its constraints. */
function withoutCounter(definition: string): string {
  return definition.replace(/ AUTO_INCREMENT=\d+/, '').replace(/r\d+_(?=t\d+)/g, '');
}

/** The lines in which two texts differ. */
export function difference(wanted: string, found: string): string {
  const [left, right] = [wanted.split('\n'), found.split('\n')];
  const minus = left.filter((line) => !right.includes(line)).map((line) => `- ${line}`);
  const plus = right.filter((line) => !left.includes(line)).map((line) => `+ ${line}`);
  const lines = [...minus, ...plus];
  return lines.length === 0 ? 'the same lines, in another order or number' : lines.join('\n');
}
