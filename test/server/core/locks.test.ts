import assert from 'node:assert/strict';
import { listLocks, listTransactions, lockCount } from '../../../src/server/core/index.js';
import { Desk, locks, word } from './desk.js';

/** A registration that waits; returns how to look at its answer. */
function waiting(
  desk: Desk,
  session: number,
  xid: string,
  sets: ReturnType<typeof locks>[],
  lockWaitMs = 10_000,
): () => string {
  const answer = desk.register(session, xid, { locks: sets, lockWaitMs });
  assert.equal(word(answer), '', 'it waits');
  const frame = desk.lastFrame;
  return () => word(desk.answerTo(frame));
}

describe('global locks', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    for (const session of [1, 2, 3, 4]) desk.connect(session);
  });

  it('refuse a second holder at once when the caller does not wait, and name the key and the holder', () => {
    desk.branch(1, 'a', ['PRIMARY/1']);
    const answer = desk.register(2, 'b', { locks: [locks(['PRIMARY/1'])] });
    assert.equal(answer?.body, 'failure');
    assert.equal(word(answer), 'LOCK_CONFLICT');
    if (answer?.body !== 'failure') return;
    assert.equal(answer.failure.details.key, 'PRIMARY/1');
    assert.equal(answer.failure.details.holder, 'a');
  });

  it('are granted again and again to the transaction that holds them', () => {
    desk.branch(1, 'a', ['PRIMARY/1']);
    desk.branch(1, 'a', ['PRIMARY/1', 'PRIMARY/2']);
    assert.equal(lockCount(desk.state), 2);
  });

  it('of one key in different tables and resources do not meet', () => {
    desk.branch(1, 'a', ['PRIMARY/1']);
    const other = { ...locks(['PRIMARY/1']), table: 'orders' };
    assert.equal(word(desk.register(2, 'b', { locks: [other] })), 'branchRegistered');
    assert.equal(
      word(desk.register(2, 'b', { locks: [locks(['PRIMARY/1'], 'EXCLUSIVE', 'bank')] })),
      'branchRegistered',
    );
  });

  it('are granted to waiters in the order of their coming once the holder commits', () => {
    desk.doneBranch(1, 'a', ['k']);
    const second = waiting(desk, 2, 'b', [locks(['k'])]);
    const third = waiting(desk, 3, 'c', [locks(['k'])]);
    desk.commit(1, 'a');
    assert.equal(second(), 'branchRegistered');
    assert.equal(third(), '');
  });

  it('do not let a newcomer overtake a waiter at a key that is free', () => {
    desk.branch(1, 'a', ['k1']);
    const second = waiting(desk, 2, 'b', [locks(['k1', 'k2'])]);
    assert.equal(
      word(desk.register(3, 'c', { locks: [locks(['k2'])] })),
      'LOCK_CONFLICT',
      'k2 is free, but b stands in its queue',
    );
    assert.equal(second(), '');
  });

  it('are given all or none: a waiter holds nothing', () => {
    desk.branch(1, 'a', ['k1']);
    waiting(desk, 2, 'b', [locks(['k1', 'k2'])]);
    assert.deepEqual(
      listLocks(desk.state).map(({ key, holders }) => [key, holders.map(({ xid }) => xid)]),
      [
        ['k1', ['a']],
        ['k2', []],
      ],
    );
  });

  it('are shared by readers, and an EXCLUSIVE waiter waits for all of them', () => {
    const a = desk.doneBranch(1, 'a', [], { locks: [locks(['k'], 'SHARED')] });
    const b = desk.doneBranch(2, 'b', [], { locks: [locks(['k'], 'SHARED')] });
    assert.notEqual(a, b);
    const writer = waiting(desk, 3, 'c', [locks(['k'])]);
    desk.commit(1, 'a');
    assert.equal(writer(), '');
    desk.commit(2, 'b');
    assert.equal(writer(), 'branchRegistered');
  });

  it('let no reader pass a writer that waits, and then let all readers in at once', () => {
    desk.doneBranch(1, 'a', [], { locks: [locks(['k'], 'SHARED')] });
    const writer = waiting(desk, 2, 'b', [locks(['k'])]);
    const reader = waiting(desk, 3, 'c', [locks(['k'], 'SHARED')]);
    const other = waiting(desk, 4, 'd', [locks(['k'], 'SHARED')]);
    desk.commit(1, 'a');
    assert.deepEqual([writer(), reader(), other()], ['branchRegistered', '', '']);
    const held = listTransactions(desk.state, { xid: 'b' })[0]?.branches[0]?.branchId ?? '';
    desk.report(2, 'b', held);
    desk.commit(2, 'b');
    assert.deepEqual([reader(), other()], ['branchRegistered', 'branchRegistered']);
  });

  it('are upgraded from SHARED to EXCLUSIVE past the queue, once the other readers are gone', () => {
    desk.branch(1, 'a', [], { locks: [locks(['k'], 'SHARED')] });
    desk.doneBranch(2, 'b', [], { locks: [locks(['k'], 'SHARED')] });
    const writer = waiting(desk, 3, 'c', [locks(['k'])]);
    const upgrade = waiting(desk, 1, 'a', [locks(['k'])]);
    desk.commit(2, 'b');
    assert.deepEqual([upgrade(), writer()], ['branchRegistered', '']);
  });

  it('fall back to SHARED when the branch that wanted EXCLUSIVE has failed', () => {
    desk.branch(1, 'a', [], { locks: [locks(['k'], 'SHARED')] });
    const writing = desk.branch(1, 'a', ['k']);
    const reader = waiting(desk, 2, 'b', [locks(['k'], 'SHARED')]);
    desk.report(1, 'a', writing, 'PHASE_ONE_FAILED');
    assert.equal(reader(), 'branchRegistered');
  });

  it('are waited for no longer than the request allows', () => {
    desk.branch(1, 'a', ['k']);
    const second = waiting(desk, 2, 'b', [locks(['k'])], 500);
    desk.pass(499);
    assert.equal(second(), '');
    desk.pass(1);
    assert.equal(second(), 'LOCK_WAIT_TIMEOUT');
    assert.equal(desk.status(2, 'b'), 'ACTIVE');
  });

  it('of a branch that has failed are free, unless another branch of the transaction holds them', () => {
    const first = desk.branch(1, 'a', ['k1', 'k2']);
    desk.branch(1, 'a', ['k2']);
    const one = waiting(desk, 2, 'b', [locks(['k1'])]);
    const two = waiting(desk, 3, 'c', [locks(['k2'])]);
    desk.report(1, 'a', first, 'PHASE_ONE_FAILED');
    assert.deepEqual([one(), two()], ['branchRegistered', '']);
  });

  it('refuse every waiter at once when the holder starts to roll back, and whoever comes meanwhile', () => {
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    const second = waiting(desk, 2, 'b', [locks(['k'])]);
    const third = waiting(desk, 3, 'c', [locks(['k'])]);
    desk.rollback(1, 'a');
    assert.deepEqual([second(), third()], ['LOCK_CONFLICT', 'LOCK_CONFLICT']);
    assert.equal(word(desk.register(4, 'd', { locks: [locks(['k'])], lockWaitMs: 5_000 })), 'LOCK_CONFLICT');
    desk.answerPush(branch);
    assert.equal(word(desk.register(4, 'd', { locks: [locks(['k'])] })), 'branchRegistered');
  });

  it('refuse a writer at once when only one of several readers is being rolled back', () => {
    for (const [session, xid] of [
      [1, 'a'],
      [2, 'b'],
    ] as const) {
      desk.doneBranch(session, xid, [], { locks: [locks(['k'], 'SHARED')] });
    }
    desk.rollback(2, 'b');
    assert.equal(word(desk.register(3, 'c', { locks: [locks(['k'])], lockWaitMs: 5_000 })), 'LOCK_CONFLICT');
  });

  it('are released branch by branch on rollback', () => {
    desk.enlist(1);
    desk.doneBranch(1, 'a', ['k1']);
    const newer = desk.doneBranch(1, 'a', ['k2']);
    desk.rollback(1, 'a');
    desk.answerPush(newer);
    assert.deepEqual(
      listLocks(desk.state).map(({ key }) => key),
      ['k1'],
    );
  });

  it('can be added to a branch, and go with it', () => {
    const branch = desk.branch(1, 'a', ['k1']);
    const answer = desk.register(1, 'a', { branchId: branch, locks: [locks(['k2'])] });
    assert.deepEqual(answer, { body: 'branchRegistered', branchRegistered: { branchId: branch } });
    assert.equal(word(desk.register(2, 'b', { locks: [locks(['k2'])] })), 'LOCK_CONFLICT');
    desk.report(1, 'a', branch, 'PHASE_ONE_FAILED');
    assert.equal(lockCount(desk.state), 0);
    assert.equal(word(desk.register(1, 'a', { branchId: branch })), 'BRANCH_NOT_FOUND');
  });

  it('are no longer waited for by a client that has gone', () => {
    desk.doneBranch(1, 'a', ['k']);
    waiting(desk, 2, 'b', [locks(['k'])]);
    const third = waiting(desk, 3, 'c', [locks(['k'])]);
    desk.disconnect(2);
    desk.commit(1, 'a');
    assert.equal(third(), 'branchRegistered');
  });

  it('are not kept from a request by a queue that its transaction has passed with another one', () => {
    desk.doneBranch(1, 'y', ['z']);
    desk.doneBranch(1, 'q', ['q']);
    desk.branch(1, 'reader', [], { locks: [locks(['k'], 'SHARED')] });
    const first = waiting(desk, 2, 't', [locks(['k', 'z'], 'SHARED')]);
    waiting(desk, 3, 'v', [locks(['k'])]);
    waiting(desk, 4, 'w', [locks(['k'])]);
    const second = waiting(desk, 2, 't', [locks(['k', 'q'], 'SHARED')]);
    desk.commit(1, 'y');
    assert.deepEqual([first(), second()], ['branchRegistered', '']);
    desk.commit(1, 'q');
    assert.equal(second(), 'branchRegistered');
  });

  it('answer the later of two frames that ask for the same registration', () => {
    desk.doneBranch(1, 'a', ['k']);
    desk.register(2, 'b', { requestId: 'once', locks: [locks(['k'])], lockWaitMs: 1_000 });
    const first = desk.lastFrame;
    desk.register(2, 'b', { requestId: 'once', locks: [locks(['k'])], lockWaitMs: 1_000 });
    const second = desk.lastFrame;
    desk.commit(1, 'a');
    assert.equal(word(desk.answerTo(first)), '');
    assert.equal(word(desk.answerTo(second)), 'branchRegistered');
    assert.equal(listTransactions(desk.state, { xid: 'b' })[0]?.branches.length, 1);
  });
});
