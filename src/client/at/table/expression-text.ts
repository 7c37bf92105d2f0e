/** What MariaDB shows of a character beyond the basic plane. */
const BEYOND = '????';

/**
 * The SQL of an expression of a column, as the catalogue shows it in utf8mb3: MySQL as if it stood in a string, each of
 * its bytes as a character of its own; MariaDB as it is, but for the characters that utf8mb3 has not.
 * @returns null where it cannot be told from what is shown
 */
export function expressionText(server: 'mysql' | 'mariadb', shown: string): string | null {
  const text = asItIs(server, shown);
  return text === null ? null : withoutForeignCharacters(text);
}

function asItIs(server: 'mysql' | 'mariadb', shown: string): string | null {
  if (server === 'mariadb') return shown.includes(BEYOND) ? null : shown;
  if (/[^\0-\xff]/.test(shown)) return null;
  const bytes = Buffer.from(shown, 'latin1');
  const text = bytes.toString('utf8');
  // Of a literal in another character set the bytes may be no text.
  return Buffer.from(text, 'utf8').equals(bytes) ? text.replace(/\\(.)/gs, '$1') : null;
}

/** A name in backticks, or a literal with its introducer. */
const LITERAL = /`(?:[^`]|``)*`|(?:_utf8(?:mb[34])?\s*)?'((?:[^'\\]|\\.|'')*)'/gis;
const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: '\n', t: '\t', r: '\r', b: '\b', 0: '\0', Z: '\x1a' },
};

/** A session may have a character set that has no such characters: a literal with some is written as its bytes. */
function withoutForeignCharacters(expression: string): string {
  return expression.replace(LITERAL, (written, content?: string) => {
    if (content === undefined || !/[^\0-\x7f]/.test(content)) return written;
    const value = content.replace(/''|\\(.)/gs, (pair, escaped?: string) =>
      escaped === undefined ? pair[0]! : (NAMED_ESCAPES[escaped] ?? escaped),
    );
    return `_utf8mb4 X'${Buffer.from(value, 'utf8').toString('hex')}'`;
  });
}
