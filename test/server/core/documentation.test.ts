import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PHASE_TWO_TRANSITIONS, TRANSACTION_TRANSITIONS } from '../../../src/server/core/index.js';

interface Row {
  readonly from: string;
  readonly to: string;
  readonly when: string;
}

const page = readFileSync(new URL('../../../../docs/coordinator.md', import.meta.url), 'utf8');
const sections = page.split(/^## /m);

function section(title: string): string {
  const found = sections.find((text) => text.startsWith(`${title}\n`));
  assert.ok(found !== undefined, title);
  return found;
}

function rowsOf(title: string): string[] {
  return section(title)
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (from|---)/.test(line));
}

function rowsFor(transitions: readonly Row[]): string[] {
  return transitions.map(({ from, to, when }) => `| ${from} | ${to} | ${when} |`);
}

function drawn(title: string): string[] {
  return [...section(title).matchAll(/^ {2}([A-Z_]+) --> ([A-Z_]+)/gm)].map(
    ([, from, to]) => `${from} ${to}`,
  );
}

describe('docs/coordinator.md', () => {
  it('has the table of a transaction’s states that the code has', () => {
    assert.deepEqual(rowsOf('States of a transaction'), rowsFor(TRANSACTION_TRANSITIONS));
  });

  it('has the table of phase two that the code has', () => {
    assert.deepEqual(rowsOf("States of a branch's phase two"), rowsFor(PHASE_TWO_TRANSITIONS));
  });

  it('draws no move that the tables do not have', () => {
    for (const [title, transitions] of [
      ['States of a transaction', TRANSACTION_TRANSITIONS],
      ["States of a branch's phase two", PHASE_TWO_TRANSITIONS],
    ] as const) {
      const known = new Set<string>(transitions.map(({ from, to }) => `${from} ${to}`));
      const moves = drawn(title);
      assert.ok(moves.length > 5);
      for (const move of moves) assert.ok(known.has(move), move);
    }
  });
});
