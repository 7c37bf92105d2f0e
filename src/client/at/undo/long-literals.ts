/** Literals of more hexadecimal digits than this are sent in parts: 1 MiB of bytes a statement. */
const CHUNK_DIGITS = 2 * 1024 * 1024;

const HEXADECIMAL = /(?:_(\w+) )?X'([0-9a-f]*)'/g;

/** A statement, and what must be run before and after it in the same session. */
export interface SplitStatement {
  readonly before: readonly string[];
  readonly sql: string;
  readonly after: readonly string[];
}

/**
 * A value that reached the server as bytes (in a prepared statement, say) takes twice its size as a
 * hexadecimal literal, which may be more than max_allowed_packet. So long ones are put together in user
 * variables, from parts that fit.
 */
export function splitLongLiterals(sql: string): SplitStatement {
  if (sql.length <= CHUNK_DIGITS) return { before: [], sql, after: [] };
  const before: string[] = [];
  const after: string[] = [];
  const short = sql.replace(HEXADECIMAL, (literal, charset: string | undefined, digits: string) => {
    if (digits.length <= CHUNK_DIGITS) return literal;
    const variable = `@globaltx_${after.length}`;
    before.push(`SET ${variable} = X''`);
    for (let from = 0; from < digits.length; from += CHUNK_DIGITS) {
      before.push(`SET ${variable} = CONCAT(${variable}, X'${digits.slice(from, from + CHUNK_DIGITS)}')`);
    }
    after.push(`SET ${variable} = NULL`);
    return charset === undefined ? variable : `CONVERT(${variable} USING ${charset})`;
  });
  return { before, sql: short, after };
}
