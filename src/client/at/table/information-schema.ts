import type { SqlExecutor } from '../executor.js';

/** Text as an SQL expression that means the same in any session: no character set, no sql_mode changes it. */
export function textLiteral(text: string): string {
  return `_utf8mb4 X'${Buffer.from(text, 'utf8').toString('hex')}'`;
}

/**
 * Reads rows of text from the server's catalogue. Every value is cast to bytes, because the session may belong
 * to an application that asks for its results in another character set.
 * @param columns expressions over catalogue columns, which are stored in UTF-8
 * @param rest FROM and what follows
 */
export async function readCatalogue<Name extends string>(
  executor: SqlExecutor,
  columns: Readonly<Record<Name, string>>,
  rest: string,
): Promise<readonly Readonly<Record<Name, string | null>>[]> {
  const names = Object.keys(columns) as Name[];
  const list = names.map((name) => `CAST(${columns[name]} AS BINARY)`).join(', ');
  const { rows } = await executor.query(`SELECT ${list}${rest === '' ? '' : ` ${rest}`}`);
  return rows.map((row) => {
    const entries = names.map((name, index) => [name, row[index]?.toString('utf8') ?? null] as const);
    return Object.fromEntries(entries) as Record<Name, string | null>;
  });
}
