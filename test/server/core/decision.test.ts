import assert from 'node:assert/strict';
import { counts, listTransactions, lockCount } from '../../../src/server/core/index.js';
import { Desk, locks, word } from './desk.js';

describe('a transaction', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    desk.connect(1);
    desk.connect(2);
  });

  it('is begun once, however often begin is sent', () => {
    assert.equal(word(desk.begin(1, 'a')), 'done');
    assert.equal(word(desk.begin(1, 'a')), 'done');
    assert.equal(counts(desk.state).transactions, 1);
  });

  it('is begun by its first branch, and not known without', () => {
    assert.equal(word(desk.register(1, 'a', { begin: false })), 'TRANSACTION_NOT_FOUND');
    assert.equal(word(desk.register(1, 'a')), 'branchRegistered');
    assert.equal(word(desk.register(1, 'a', { begin: false })), 'branchRegistered');
  });

  it('is refused under a name that cannot be an xid', () => {
    assert.equal(word(desk.begin(1, 'no/slash')), 'INVALID_XID');
  });

  it('gets one branch for one request, however often it is sent', () => {
    const first = desk.branch(1, 'a', ['k'], { requestId: 'r' });
    assert.equal(desk.branch(1, 'a', ['k'], { requestId: 'r' }), first);
    desk.restart();
    desk.connect(5, 'client-1');
    assert.equal(desk.branch(5, 'a', ['k'], { requestId: 'r' }), first, 'also after a restart');
    assert.notEqual(desk.branch(5, 'a', ['k'], { requestId: 'r2' }), first);
  });

  it('does not get a branch again that has been given up, when the request is replayed', () => {
    const branch = desk.branch(1, 'a', ['k'], { requestId: 'r' });
    desk.report(1, 'a', branch, 'PHASE_ONE_FAILED');
    assert.equal(desk.branch(1, 'a', ['k'], { requestId: 'r' }), branch);
    assert.equal(lockCount(desk.state), 0);
    assert.equal(word(desk.commit(1, 'a')), 'COMMITTED');
  });

  it('commits once every writing branch is reported, and frees its locks at the decision', () => {
    const branch = desk.branch(1, 'a', ['k']);
    assert.equal(word(desk.commit(1, 'a')), '');
    const frame = desk.lastFrame;
    assert.equal(lockCount(desk.state), 1);
    desk.report(2, 'a', branch);
    assert.equal(word(desk.answerTo(frame)), 'COMMITTING');
    assert.equal(lockCount(desk.state), 0);
    assert.equal(word(desk.commit(1, 'a')), 'COMMITTING');
    desk.enlist(1);
    desk.answerPush(branch);
    assert.equal(word(desk.commit(1, 'a')), 'COMMITTED');
    assert.equal(word(desk.rollback(1, 'a')), 'COMMITTED');
  });

  it('that wrote nothing is committed at once', () => {
    desk.branch(1, 'a', ['k'], { locksOnly: true });
    assert.equal(word(desk.commit(1, 'a')), 'COMMITTED');
    assert.equal(counts(desk.state).branches, 0);
    desk.pass(1_000);
    assert.deepEqual(
      [...desk.records.values()].filter(({ type }) => type === 'branch'),
      [],
    );
  });

  it('is rolled back when a branch stays silent past the patience', () => {
    desk.branch(1, 'a', ['k']);
    desk.commit(1, 'a');
    const frame = desk.lastFrame;
    desk.pass(5_000);
    const answer = desk.answerTo(frame);
    assert.ok(answer?.body === 'transaction');
    assert.equal(answer.transaction.status, 'ROLLING_BACK');
    assert.equal(answer.transaction.reason, 'PHASE_ONE_UNFINISHED');
  });

  it('is rolled back when the outcome of a local commit is unknown', () => {
    desk.enlist(1);
    const branch = desk.branch(1, 'a', ['k']);
    desk.report(1, 'a', branch, 'PHASE_ONE_UNKNOWN');
    desk.restart();
    desk.connect(1);
    const answer = desk.commit(1, 'a');
    assert.ok(answer?.body === 'transaction');
    assert.equal(answer.transaction.status, 'ROLLING_BACK');
    assert.equal(answer.transaction.reason, 'LOCAL_COMMIT_UNKNOWN');
  });

  it('takes nothing in once its commit has been asked for', () => {
    desk.branch(1, 'a', ['k']);
    desk.branch(2, 'b', ['k2']);
    desk.register(1, 'a', { locks: [locks(['k2'])], lockWaitMs: 1_000 });
    const waiter = desk.lastFrame;
    desk.commit(1, 'a');
    assert.equal(word(desk.answerTo(waiter)), 'TRANSACTION_NOT_ACTIVE');
    assert.equal(word(desk.register(1, 'a')), 'TRANSACTION_NOT_ACTIVE');
  });

  it('is rolled back when its time is over, and says so to whoever comes late', () => {
    desk.begin(1, 'a', 1_000);
    desk.branch(1, 'a', ['k']);
    desk.branch(2, 'b', ['k2']);
    desk.register(1, 'a', { locks: [locks(['k2'])], lockWaitMs: 60_000 });
    const waiter = desk.lastFrame;
    desk.pass(999);
    assert.equal(desk.status(1, 'a'), 'ACTIVE');
    desk.pass(1);
    assert.equal(desk.status(1, 'a'), 'ROLLING_BACK');
    assert.equal(word(desk.answerTo(waiter)), 'TIMED_OUT');
    assert.equal(word(desk.register(1, 'a')), 'TIMED_OUT');
    assert.equal(word(desk.begin(1, 'a')), 'TIMED_OUT');
    assert.equal(word(desk.commit(1, 'a')), 'ROLLING_BACK');
  });

  it('is timed out by the frame that comes late, without a tick', () => {
    desk.begin(1, 'a', 1_000);
    desk.now += 1_000;
    assert.equal(word(desk.register(1, 'a')), 'TIMED_OUT');
  });

  it('lives as long as its timeout when the clock is set back', () => {
    desk.begin(1, 'a', 1_000);
    desk.pass(600);
    desk.pass(-500_000);
    desk.pass(399);
    assert.equal(desk.status(1, 'a'), 'ACTIVE');
    desk.pass(1);
    assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
  });

  it('answers a rollback when all is done, or when the caller has waited long enough', () => {
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.rollback(1, 'a', 10_000);
    const patient = desk.lastFrame;
    desk.rollback(2, 'a', 1_000);
    const hasty = desk.lastFrame;
    desk.pass(1_000);
    const answer = desk.answerTo(hasty);
    assert.ok(answer?.body === 'transaction');
    assert.deepEqual([answer.transaction.status, answer.transaction.unfinishedBranches], ['ROLLING_BACK', 1]);
    assert.equal(word(desk.answerTo(patient)), '');
    desk.answerPush(branch);
    assert.equal(word(desk.answerTo(patient)), 'ROLLED_BACK');
  });

  it('answers a rollback at once when all that is left needs a person', () => {
    desk.enlist(1);
    desk.doneBranch(1, 'a', ['k']);
    const newer = desk.doneBranch(1, 'a', ['k']);
    desk.rollback(1, 'a', 10_000);
    const frame = desk.lastFrame;
    desk.answerPush(newer, 'PHASE_TWO_NEEDS_ATTENTION');
    assert.equal(word(desk.answerTo(frame)), 'NEEDS_ATTENTION');
    assert.equal(word(desk.rollback(1, 'a', 10_000)), 'NEEDS_ATTENTION');
  });

  it('that nobody knows is not found, whatever is asked of it', () => {
    assert.equal(word(desk.commit(1, 'x')), 'NOT_FOUND');
    assert.equal(word(desk.rollback(1, 'x')), 'NOT_FOUND');
    assert.equal(desk.status(1, 'x'), 'NOT_FOUND');
  });

  it('tells a participant that it is rolled back, and why', () => {
    desk.begin(1, 'a');
    desk.rollback(1, 'a', 0, 'no stock');
    const answer = desk.register(2, 'a');
    assert.ok(answer?.body === 'failure');
    assert.equal(answer.failure.code, 'ROLLED_BACK');
    assert.match(answer.failure.message, /no stock/);
  });

  it('is remembered after its end for as long as set, and then forgotten on disk too', () => {
    desk = new Desk({ rememberEndedMs: 10_000 });
    desk.connect(1);
    desk.begin(1, 'a');
    desk.commit(1, 'a');
    desk.pass(9_999);
    assert.equal(desk.status(1, 'a'), 'COMMITTED');
    desk.restart();
    desk.connect(1);
    assert.equal(desk.status(1, 'a'), 'COMMITTED');
    desk.pass(1);
    assert.equal(desk.status(1, 'a'), 'NOT_FOUND');
    desk.pass(1_000);
    assert.deepEqual(
      [...desk.records.values()].map(({ type }) => type),
      ['fact'],
    );
  });

  it('costs one write of its end less, when another write comes by to take it along', () => {
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.answerPush(branch);
    assert.equal(desk.written, 0);
    assert.equal(listTransactions(desk.state).length, 0);
    desk.begin(1, 'b');
    assert.equal(desk.written, 3, 'the end and the deleted branch go with the new transaction');
  });

  it('is said to be committed only once that is written', () => {
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.answerPush(branch);
    assert.equal(desk.status(1, 'a'), 'COMMITTED');
    assert.equal(desk.written, 2);
  });
});
