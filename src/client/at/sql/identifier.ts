/** A name as both servers read it whatever sql_mode says: in backticks, those inside doubled. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
