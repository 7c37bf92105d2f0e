/** What MariaDB shows of a character beyond the basic plane. */
const BEYOND = '????';

/**
 * The SQL of an expression of a column, as the catalogue shows it in utf8mb3: MySQL as if it stood in a string, each of
 * its bytes as a character of its own; MariaDB as it is, but for the characters that utf8mb3 has not.
 * @returns null where it cannot be told from what is shown
 */
export function expressionText(server: 'mysql' | 'mariadb', shown: string): string | null {
  if (server === 'mariadb') return shown.includes(BEYOND) ? null : shown;
  if (/[^\0-\xff]/.test(shown)) return null;
  const bytes = Buffer.from(shown, 'latin1');
  const text = bytes.toString('utf8');
  // Of a literal in another character set the bytes may be no text.
  return Buffer.from(text, 'utf8').equals(bytes) ? text.replace(/\\(.)/gs, '$1') : null;
}
