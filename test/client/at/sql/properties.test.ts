import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Clause } from '../../../../src/client/at/sql/analysis.js';
import { analyze, analyzeUncached } from '../../../../src/client/at/sql/index.js';
import { lex } from '../../../../src/client/at/sql/lexer.js';
import { describeStatement } from './describe.js';
import { MARIADB, MYSQL } from './dialects.js';

const DIALECTS = [MYSQL, MARIADB, { ...MYSQL, noBackslashEscapes: true }, { ...MARIADB, ansiQuotes: true }];

/** Pieces that are more likely to come to something than single characters are. */
const PIECES =
  `INSERT INTO UPDATE DELETE FROM SELECT SET WHERE ORDER BY LIMIT VALUES t a b ? ' " \` \\ -- # /* */ /*! ( ) , . ; = := 1 0x1
   @ @@ x' b' N' _utf8 AS FOR UPDATE NULL DEFAULT COMMIT BEGIN SAVEPOINT WITH IN AND OR CASE WHEN END PARTITION INTERVAL`
    .split(/\s+/)
    .concat(' ', '\n', '\0', '\u00a0');

const soup = fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'grapheme', maxLength: 3 })), {
  maxLength: 25,
});
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  soup.map((pieces) => pieces.join(' ')),
  soup.map((pieces) => pieces.join('')),
);

/** What may stand between two tokens. */
const gap = fc
  .array(
    fc.constantFrom(' ', '\n', '\t', '/* ? */', "/* ' */", '-- WHERE "\n', "# LIMIT ' ?\n", '/**/', '--\n'),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((pieces) => ` ${pieces.join('')} `);
const gaps = fc.array(gap, { minLength: 1, maxLength: 60 });

/** Texts of strings whose insides look like SQL. */
const string = fc
  .array(
    fc.constantFrom(
      'a',
      '?',
      "''",
      '"',
      '`',
      ';',
      ' WHERE ',
      '-- ',
      '/*',
      '*/',
      '#',
      '\\\\',
      "\\'",
      '\n',
      'é',
      '😀',
    ),
  )
  .map((pieces) => `'${pieces.join('')}'`);
const value = fc.oneof(
  fc.constantFrom('?', '1', '-1', '1.5e3', 'NULL', "x'41'", '0b1', 'a', 't.b', '`c d`'),
  string,
);
const condition = fc
  .array(fc.tuple(fc.constantFrom('a', 't.b', '`c d`'), fc.constantFrom('=', '<>', '<=>', 'LIKE'), value), {
    minLength: 1,
    maxLength: 4,
  })
  .map((terms) => terms.flatMap((term, index) => (index === 0 ? term : ['AND', ...term])));
const assignments = fc
  .array(fc.tuple(fc.constantFrom('a', 't.b', '`c d`'), value), { minLength: 1, maxLength: 4 })
  .map((pairs) =>
    pairs.flatMap(([column, assigned], index) => [...(index === 0 ? [] : [',']), column, '=', assigned]),
  );

function join(tokens: readonly string[], between: readonly string[]): string {
  return tokens.map((token, index) => token + between[index % between.length]).join('');
}

/** The text without comments and white space: one line a token. */
function words(text: string): readonly string[] {
  return lex(text, MYSQL).tokens.map(({ start, end }) => text.slice(start, end));
}

const clauseWords = (clause: Clause | null, ...keywords: readonly string[]): readonly string[] =>
  clause === null ? [] : [...keywords, ...words(clause.text)];

describe('reading any text', function () {
  this.timeout(60_000);

  it('never throws: what it cannot read is refused', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(...DIALECTS), (text, dialect) => {
        const { statements, texts } = analyzeUncached(text, dialect);
        assert.equal(statements.length, texts.length);
        assert.ok(statements.every((statement) => describeStatement(statement) !== ''));
      }),
      { numRuns: 3000 },
    );
  });

  it('finds tokens with nothing but comments and white space between them', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(...DIALECTS), (text, dialect) => {
        const { tokens, problem } = lex(text, dialect);
        let behind = 0;
        for (const { start, end } of tokens) {
          assert.ok(start >= behind && end > start);
          assert.deepEqual(lex(text.slice(behind, start), dialect), { tokens: [], problem: null });
          behind = end;
        }
        if (problem === null) {
          assert.deepEqual(lex(text.slice(behind), dialect), { tokens: [], problem: null });
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('gives clauses that make up the whole UPDATE, with every placeholder in its place', () => {
    const statement = fc.record({
      assignments,
      where: fc.option(condition),
      orderBy: fc.option(fc.constantFrom(['a', 'DESC', ',', 't.b'], ['a', '+', '?'])),
      limit: fc.option(fc.constantFrom(['?'], ['1'])),
      gaps,
    });
    fc.assert(
      fc.property(statement, (parts) => {
        const tokens = ['UPDATE', 't', 'SET', ...parts.assignments];
        if (parts.where !== null) tokens.push('WHERE', ...parts.where);
        if (parts.orderBy !== null) tokens.push('ORDER BY', ...parts.orderBy);
        if (parts.limit !== null) tokens.push('LIMIT', ...parts.limit);
        const text = join(tokens, parts.gaps);
        const [update] = analyzeUncached(text, MYSQL).statements;
        assert.ok(update?.kind === 'update', `${text}\n${update && describeStatement(update)}`);
        const { head, where, orderBy, limit, tail } = update;
        assert.deepEqual(
          [...words(head.text), ...clauseWords(where, 'WHERE'), ...words(tail.text)],
          words(text),
        );
        assert.deepEqual(
          [...clauseWords(orderBy, 'ORDER', 'BY'), ...clauseWords(limit, 'LIMIT')],
          words(tail.text),
        );
        const ordinals = [head, where, tail].flatMap((clause) => clause?.placeholders ?? []);
        assert.deepEqual(ordinals, [...ordinals.keys()]);
        assert.equal(ordinals.length, words(text).filter((word) => word === '?').length);
        for (const clause of [head, where, orderBy, limit, tail]) {
          if (clause === null) continue;
          assert.ok(text.includes(clause.text));
          assert.equal(clause.offsets.length, clause.placeholders.length);
          for (const offset of clause.offsets) assert.equal(clause.text[offset], '?');
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('gives an INSERT the same values whatever comments and spaces stand between them', () => {
    const rows = fc.array(fc.array(value, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, gaps, (values, between) => {
        const tuples = values.flatMap(([first, second], index) => [
          ...(index === 0 ? [] : [',']),
          ...['(', first!, ',', second!, ')'],
        ]);
        const tokens = ['INSERT', 'INTO', 't', '(', 'a', ',', 'b', ')', 'VALUES', ...tuples];
        const [plain] = analyzeUncached(tokens.join(' '), MYSQL).statements;
        const [spaced] = analyzeUncached(join(tokens, between), MYSQL).statements;
        assert.ok(plain?.kind === 'insert' && spaced?.kind === 'insert');
        const described = (text: string): string => text.replaceAll('- 1', '-1');
        assert.equal(described(describeStatement(spaced)), described(describeStatement(plain)));
        assert.deepEqual(
          spaced.rows.map((row) => row.length),
          values.map((row) => row.length),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('reading long texts', function () {
  this.timeout(60_000);

  const MEGABYTE = 1024 * 1024;
  const fill = (piece: string): string => piece.repeat(Math.ceil(MEGABYTE / piece.length));
  const nested = (open: string, close: string): string =>
    open.repeat(MEGABYTE / 2 / open.length) + close.repeat(MEGABYTE / 2 / open.length);

  const LONG: readonly (readonly [name: string, text: string])[] = [
    ['rows', `INSERT INTO t (a, b, c) VALUES ${fill("(1, 'x''y', NOW()), ")}(1, 2, 3)`],
    ['a list of values', `UPDATE t SET a = 1 WHERE id IN (${fill('12345, ')}1)`],
    ['a list of tuples', `UPDATE t SET a = 1 WHERE (id, a) IN (${fill("(123, 'x'), ")}(1, 2))`],
    ['alternatives', `UPDATE t SET a = 1 WHERE ${fill('id = 12345 OR ')} id = 1`],
    ['a CASE', `UPDATE t SET a = CASE id ${fill("WHEN 123 THEN 'x' ")} END WHERE id > 1`],
    ['a string', `INSERT INTO t VALUES ('${fill("x\\'''")}')`],
    ['parentheses', `UPDATE t SET a = ${nested('(', ')')}`],
    ['calls', `SELECT ${nested('f(', ')')}`],
    ['parentheses that do not close', `UPDATE t SET a = ${fill('(')}`],
    ['comments', `UPDATE t SET a = 1 ${fill('/* x */')}`],
    ['comments that do not close', fill('/* ')],
    ['quotes', fill("'")],
    ['backticks', fill('`')],
    ['terms', `UPDATE t SET a = ${fill('b + ')}1`],
    ['assignments', `UPDATE t SET ${fill('a = 1, ')}a = 1`],
    ['statements', fill('UPDATE t SET a = 1; ')],
  ];

  for (const [name, text] of LONG) {
    it(`takes no more than seconds for a megabyte of ${name}`, () => {
      const before = process.cpuUsage();
      analyze(text, MYSQL);
      const { user, system } = process.cpuUsage(before);
      assert.ok((user + system) / 1e6 < 3, `${(user + system) / 1e6} s of CPU time`);
    });
  }
});
