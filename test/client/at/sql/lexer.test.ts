import assert from 'node:assert/strict';
import { type Lexed, lex } from '../../../../src/client/at/sql/lexer.js';
import { MYSQL } from './dialects.js';

function tokens(text: string, lexed: Lexed = lex(text, MYSQL)): readonly string[] {
  assert.equal(lexed.problem, null, text);
  return lexed.tokens.map(({ kind, start, end }) => `${kind}:${text.slice(start, end)}`);
}

const CASES: readonly (readonly [string, ...string[]])[] = [
  ['a--1', 'word:a', 'operator:-', 'operator:-', 'number:1'],
  ['a -- 1', 'word:a'],
  ['a --\t1', 'word:a'],
  ['a#b\nc', 'word:a', 'word:c'],
  ['a/*b*/c', 'word:a', 'word:c'],
  ['a/**/c', 'word:a', 'word:c'],
  ['a/*/ b */c', 'word:a', 'word:c'],
  ['1.5e3', 'number:1.5e3'],
  ['1e3x', 'number:1e3', 'word:x'],
  ['1e', 'name:1e'],
  ['1ex', 'name:1ex'],
  ['1e+', 'name:1e', 'operator:+'],
  ['1e+2', 'number:1e+2'],
  ['.5', 'number:.5'],
  ['5.', 'number:5.'],
  ['t.5a', 'name:t', 'operator:.', 'name:5a'],
  ['t.5', 'name:t', 'operator:.', 'name:5'],
  ['t .5', 'word:t', 'number:.5'],
  ['`t`.5', 'name:`t`', 'number:.5'],
  ['t.select', 'name:t', 'operator:.', 'name:select'],
  ['select.t', 'name:select', 'operator:.', 'name:t'],
  ['t.*', 'word:t', 'operator:.', 'operator:*'],
  ['0x1F', 'bits:0x1F'],
  ['0X1F', 'name:0X1F'],
  ['0x1G', 'name:0x1G'],
  ['0x', 'name:0x'],
  ['0b01', 'bits:0b01'],
  ['0b2', 'name:0b2'],
  ["x'1F'", "bits:x'1F'"],
  ["x '1F'", 'word:x', "string:'1F'"],
  ["b'01'B'1'", "bits:b'01'", "bits:B'1'"],
  ["n'x'", "string:n'x'"],
  ["xx'1'", 'word:xx', "string:'1'"],
  ["'a''b'", "string:'a''b'"],
  ["'a' 'b'", "string:'a'", "string:'b'"],
  ["'a\\'b'", "string:'a\\'b'"],
  ["'\\\\'", "string:'\\\\'"],
  ['"a""b"', 'string:"a""b"'],
  ['`a``b`', 'name:`a``b`'],
  ['`a\\`', 'name:`a\\`'],
  ['@a.b', 'variable:@a.b'],
  ["@'a b'", "variable:@'a b'"],
  ['@`a b`', 'variable:@`a b`'],
  ['@@a.b', 'systemVariable:@@a', 'operator:.', 'name:b'],
  ['a:=1', 'word:a', 'operator::=', 'number:1'],
  ['a<=>b', 'word:a', 'operator:<=>', 'word:b'],
  ['a->>b->c', 'word:a', 'operator:->>', 'word:b', 'operator:->', 'word:c'],
  ['a\u00a0b', 'word:a\u00a0b'],
  ['ünï$_1', 'word:ünï$_1'],
  ['?,?', 'placeholder:?', 'operator:,', 'placeholder:?'],
];

describe('the lexer', () => {
  it('cuts a text where the server does', () => {
    for (const [text, ...expected] of CASES) assert.deepEqual(tokens(text), expected, text);
  });

  it('reads keywords in any case', () => {
    assert.deepEqual(
      lex('select SeLeCT `select`', MYSQL).tokens.map(({ word }) => word),
      ['SELECT', 'SELECT', ''],
    );
  });
});
