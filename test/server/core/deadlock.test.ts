import assert from 'node:assert/strict';
import { listWaits } from '../../../src/server/core/index.js';
import { Desk, locks, word } from './desk.js';

function waiting(desk: Desk, session: number, xid: string, keys: string[], mode?: 'SHARED'): number {
  desk.register(session, xid, { locks: [locks(keys, mode)], lockWaitMs: 60_000 });
  return desk.lastFrame;
}

describe('a deadlock', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    for (const session of [1, 2, 3]) desk.connect(session);
  });

  it('ends for the younger of two, at once, with the cycle named; the older gets the lock', () => {
    desk.doneBranch(1, 'old', ['k1']);
    desk.pass(5);
    desk.branch(2, 'young', ['k2']);
    const old = waiting(desk, 1, 'old', ['k2']);
    const young = waiting(desk, 2, 'young', ['k1']);
    const answer = desk.answerTo(young);
    assert.equal(word(answer), 'DEADLOCK');
    assert.ok(answer?.body === 'failure');
    assert.equal(answer.failure.details.cycle, 'young -> old -> young');
    assert.equal(word(desk.answerTo(old)), '');
    desk.rollback(2, 'young');
    assert.equal(word(desk.answerTo(old)), 'LOCK_CONFLICT', 'it held the row that the rollback needs');
  });

  it('ends for the younger also when the older closes the cycle', () => {
    desk.branch(1, 'old', ['k1']);
    desk.branch(2, 'young', ['k2']);
    const young = waiting(desk, 2, 'young', ['k1']);
    const old = waiting(desk, 1, 'old', ['k2']);
    assert.equal(word(desk.answerTo(young)), 'DEADLOCK');
    assert.equal(word(desk.answerTo(old)), '');
  });

  it('of three is found', () => {
    for (const [session, xid] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ] as const) {
      desk.branch(session, xid, [`key-of-${xid}`]);
    }
    waiting(desk, 1, 'a', ['key-of-b']);
    waiting(desk, 2, 'b', ['key-of-c']);
    const last = waiting(desk, 3, 'c', ['key-of-a']);
    assert.equal(word(desk.answerTo(last)), 'DEADLOCK');
    assert.equal(listWaits(desk.state).length, 2);
  });

  it('of two readers that both want to write is found', () => {
    desk.branch(1, 'a', [], { locks: [locks(['k'], 'SHARED')] });
    desk.branch(2, 'b', [], { locks: [locks(['k'], 'SHARED')] });
    waiting(desk, 1, 'a', ['k']);
    const second = waiting(desk, 2, 'b', ['k']);
    assert.equal(word(desk.answerTo(second)), 'DEADLOCK');
  });

  it('through a place in a queue is found', () => {
    desk.branch(1, 'a', ['k1']);
    desk.branch(3, 'c', ['k3']);
    const second = waiting(desk, 2, 'b', ['k1', 'k2']);
    const third = waiting(desk, 3, 'c', ['k2']);
    const first = waiting(desk, 1, 'a', ['k3']);
    // c waited behind b, b for a, a for c; b was begun last.
    assert.deepEqual(
      [first, second, third].map((frame) => word(desk.answerTo(frame))),
      ['', 'DEADLOCK', 'branchRegistered'],
    );
  });

  it('that an upgrade brings about is found', () => {
    desk.branch(1, 'a', [], { locks: [locks(['k'], 'SHARED')] });
    desk.branch(3, 'c', ['other']);
    desk.branch(2, 'b', ['b-key']);
    // b can have k, but waits for another key; the upgrade of a puts a in its way there too.
    const b = waiting(desk, 2, 'b', ['other'], 'SHARED');
    desk.register(2, 'b', { locks: [locks(['other', 'k'], 'SHARED')], lockWaitMs: 60_000 });
    const second = desk.lastFrame;
    const a = waiting(desk, 1, 'a', ['b-key']);
    assert.deepEqual(
      [b, second, a].map((frame) => word(desk.answerTo(frame))),
      ['', '', ''],
    );
    assert.equal(
      word(desk.register(1, 'a', { locks: [locks(['k'])], lockWaitMs: 60_000 })),
      'branchRegistered',
    );
    assert.deepEqual(
      [b, second, a].map((frame) => word(desk.answerTo(frame))),
      ['', 'DEADLOCK', ''],
    );
  });

  it('of two readers that both want to write is found also when the first waited for another lock before', () => {
    desk.doneBranch(3, 'z', ['z']);
    desk.branch(3, 'c', ['c']);
    desk.branch(1, 'old', [], { locks: [locks(['k'], 'SHARED')] });
    const reading = waiting(desk, 2, 'young', ['k', 'z'], 'SHARED');
    waiting(desk, 3, 'v', ['k']);
    waiting(desk, 3, 'w', ['k']);
    const old = waiting(desk, 1, 'old', ['k', 'c']);
    desk.commit(3, 'z');
    assert.equal(word(desk.answerTo(reading)), 'branchRegistered');
    const writing = waiting(desk, 2, 'young', ['k']);
    assert.deepEqual([word(desk.answerTo(old)), word(desk.answerTo(writing))], ['', 'DEADLOCK']);
  });

  it('is not seen where a request merely stands behind an earlier one of its transaction', () => {
    desk.branch(1, 'a', ['k']);
    const first = waiting(desk, 2, 'b', ['k']);
    const other = waiting(desk, 3, 'c', ['k']);
    const second = waiting(desk, 2, 'b', ['k']);
    assert.deepEqual(
      [first, other, second].map((frame) => word(desk.answerTo(frame))),
      ['', '', ''],
    );
  });

  it('is not seen where transactions merely wait in a line', () => {
    desk.branch(1, 'a', ['k1']);
    desk.branch(2, 'b', ['k2']);
    waiting(desk, 2, 'b', ['k1']);
    const last = waiting(desk, 3, 'c', ['k2']);
    assert.equal(word(desk.answerTo(last)), '');
  });
});
