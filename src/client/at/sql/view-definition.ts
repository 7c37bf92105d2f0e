import type { SqlDialect } from '../executor.js';
import { Cursor } from './cursor.js';
import { lex } from './lexer.js';
import { Refusal, unsupported } from './refusal.js';
import { type Source, split } from './source.js';
import { isVolatile } from './volatile.js';

/** What a view is made of, where each of its rows is one of a single table or view. */
export interface ViewDefinitionText {
  /** The table or view that it shows. */
  readonly from: { readonly schema: string | null; readonly name: string };
  /** For each of its columns the one that it shows; null for one that is computed. */
  readonly columns: readonly (string | null)[];
  /** Whether it leaves rows out. */
  readonly conditional: boolean;
}

/** Clauses of a query that give other rows than those of its table. */
const OTHER_CLAUSES = new Set(
  'GROUP HAVING WINDOW UNION EXCEPT INTERSECT ORDER LIMIT OFFSET FETCH PROCEDURE INTO FOR LOCK'.split(' '),
);

/**
 * Reads the definition of a view as the server's catalogue spells it.
 * @returns what makes it a view whose rows cannot be found in one table for certain, otherwise
 */
export function readViewDefinition(
  text: string,
  server: SqlDialect['server'],
): ViewDefinitionText | { readonly refused: string } {
  try {
    return read(text, server);
  } catch (error) {
    if (error instanceof Refusal) return { refused: `view with ${error.construct}` };
    throw error;
  }
}

function read(text: string, server: SqlDialect['server']): ViewDefinitionText {
  // Whether it escapes what follows depends on a sql_mode that is not told of.
  if (text.includes('\\')) unsupported('a backslash in its definition');
  const { tokens, problem } = lex(text, { server, noBackslashEscapes: false, ansiQuotes: false });
  const [segment, ...more] = split(text, tokens, problem);
  if (segment === undefined || more.length > 0 || segment.problem !== null || !segment.source.balanced)
    unsupported('a definition that is not understood');
  const { source } = segment;
  const cursor = new Cursor(source);
  if (!cursor.accept('SELECT')) unsupported(`${cursor.word} at its beginning`);
  const list = [cursor.index, source.find(cursor.index, (word) => word === 'FROM')] as const;
  cursor.index = list[1];
  if (!cursor.accept('FROM')) unsupported('no table');
  if (source.at(list[0]).word === 'DISTINCT') unsupported('DISTINCT');
  if (cursor.token.kind !== 'name') unsupported('a join or a subquery in FROM');
  const path = [cursor.identifier()];
  while (cursor.accept('.')) path.push(cursor.identifier());
  const [name = '', schema = null] = path.reverse();
  // The catalogue quotes every alias.
  if (cursor.token.kind === 'name') cursor.identifier();
  const conditional = cursor.accept('WHERE');
  if (!conditional && !cursor.done) unsupported(`${cursor.word} behind its table`);
  const where = [cursor.index, source.tokens.length] as const;
  const clause = source.at(source.find(where[0], (word) => OTHER_CLAUSES.has(word))).word;
  if (clause !== '') unsupported(clause);
  for (const [from, to] of [list, where]) refuseChanging(source, from, to);
  return { from: { schema, name }, columns: items(source, ...list), conditional };
}

/** The statement and our reads of its rows evaluate the view one after the other, and a function may write. */
function refuseChanging(source: Source, from: number, to: number): void {
  for (let index = from; index < to; index++) {
    if (source.at(index).word === 'SELECT') unsupported('a subquery');
  }
  if (isVolatile(source, from, to)) unsupported('an aggregate, a changing value or a stored function');
}

function items(source: Source, from: number, to: number): readonly (string | null)[] {
  const columns: (string | null)[] = [];
  for (let begin = from; begin < to; ) {
    const end = Math.min(
      source.find(begin, (word) => word === ','),
      to,
    );
    columns.push(shownColumn(source, begin, end));
    begin = end + 1;
  }
  return columns;
}

/** `schema`.`table`.`column` AS `name`: the column. */
function shownColumn(source: Source, from: number, to: number): string | null {
  const cursor = new Cursor(source, from);
  let column: string | null = null;
  while (cursor.token.kind === 'name') {
    column = cursor.identifier();
    if (!cursor.accept('.')) break;
  }
  return cursor.word === 'AS' && cursor.index === to - 2 ? column : null;
}
