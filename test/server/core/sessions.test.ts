import assert from 'node:assert/strict';
import { counts } from '../../../src/server/core/index.js';
import { Desk, locks, word } from './desk.js';

describe('a client', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
  });

  it('says hello first, or is sent away', () => {
    desk.begin(1, 'a');
    assert.deepEqual(
      desk.ended.map(({ session, code }) => [session, code]),
      [[1, 'MALFORMED_FRAME']],
    );
    desk.begin(1, 'a');
    assert.equal(desk.ended.length, 1, 'what still comes is ignored');
    assert.equal(counts(desk.state).transactions, 0);
  });

  it('says hello once', () => {
    desk.connect(1);
    desk.connect(1);
    assert.equal(desk.ended[0]?.code, 'MALFORMED_FRAME');
  });

  it('of another version is told so and sent away', () => {
    const body = { protocol: 2, clientId: 'c', application: '', library: '' };
    assert.equal(word(desk.frame(1, { body: 'hello', hello: body })), 'PROTOCOL_MISMATCH');
    assert.equal(desk.ended[0]?.code, 'PROTOCOL_MISMATCH');
  });

  it('that comes back takes over from its old stream', () => {
    desk.connect(1, 'c');
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.connect(2, 'c');
    assert.equal(desk.ended[0]?.session, 1);
    desk.enlist(2);
    assert.deepEqual(
      desk.pushes().map(({ session }) => session),
      [1, 2],
    );
    desk.disconnect(1);
    desk.answerPush(branch);
    assert.equal(desk.status(2, 'a'), 'COMMITTED');
  });

  it('cannot claim a resource that another one reaches at another server', () => {
    desk.connect(1);
    desk.connect(2);
    assert.equal(word(desk.enlist(1, 'shop', 'server-1')), 'done');
    assert.equal(word(desk.enlist(2, 'shop', 'server-2')), 'RESOURCE_CLAIMED_TWICE');
    assert.equal(word(desk.enlist(2, 'shop', 'server-1')), 'done');
    assert.equal(word(desk.enlist(1, 'shop', 'server-2')), 'RESOURCE_CLAIMED_TWICE');
    desk.disconnect(2);
    assert.equal(word(desk.enlist(1, 'shop', 'server-2')), 'done', 'its own claim it may replace');
  });

  it('past a limit is told which one, and what is in flight goes on', () => {
    desk = new Desk({ maxTransactions: 1, maxLocks: 3, maxWaiting: 1, maxResources: 1, maxSessions: 2 });
    desk.connect(1);
    desk.connect(2);
    desk.connect(3);
    assert.equal(desk.ended[0]?.session, 3);
    desk.branch(1, 'a', ['k1', 'k2']);
    const limits = [
      desk.begin(1, 'b'),
      desk.register(1, 'a', { locks: [locks(['k3', 'k4'])] }),
      desk.enlist(1, 'shop') && desk.enlist(1, 'bank'),
    ].map((answer) =>
      answer?.body === 'failure' ? [answer.failure.code, answer.failure.details.limit] : [],
    );
    assert.deepEqual(limits, [
      ['RESOURCE_EXHAUSTED', 'max-transactions'],
      ['RESOURCE_EXHAUSTED', 'max-locks'],
      ['RESOURCE_EXHAUSTED', 'max-resources'],
    ]);
    desk.commit(1, 'a');
    assert.equal(word(desk.commit(1, 'a')), 'RESOURCE_EXHAUSTED', 'one request waits for reports already');
    assert.equal(desk.status(1, 'a'), 'ACTIVE');
  });

  it('fills no memory with locks that are named again and again, or with branches that are given up', () => {
    desk = new Desk({ maxLocks: 5, maxBranches: 4 });
    desk.connect(1);
    const branchId = desk.branch(1, 'a', ['k1', 'k2']);
    desk.branch(1, 'a', ['k1', 'k2'], { branchId });
    assert.equal(word(desk.register(1, 'a', { locks: [locks(['k1', 'k2'])] })), 'RESOURCE_EXHAUSTED');
    desk.branch(1, 'a', [], { branchId });
    desk.report(1, 'a', desk.branch(1, 'a', []), 'PHASE_ONE_FAILED');
    const answer = desk.register(1, 'a', {});
    assert.equal(answer?.body === 'failure' ? answer.failure.details.limit : '', 'max-branches');
    desk.report(1, 'a', branchId);
    assert.equal(word(desk.commit(1, 'a')), 'COMMITTING');
    desk.branch(1, 'b', ['k1', 'k2', 'k3', 'k4', 'k5']);
  });

  it('fills no memory with branches that have no locks, however many transactions they are spread over', () => {
    desk = new Desk({ maxRegistrations: 3 });
    desk.connect(1);
    desk.enlist(1);
    const refusal = (xid: string) => {
      const answer = desk.register(1, xid, { begin: true });
      return answer?.body === 'failure' ? [answer.failure.code, answer.failure.details.limit] : [];
    };
    const full = ['RESOURCE_EXHAUSTED', 'max-registrations'];
    const branchId = desk.branch(1, 'a', ['k1']);
    const waiting = desk.register(1, 'b', { begin: true, locks: [locks(['k1'])], lockWaitMs: 1_000 });
    assert.equal(waiting, undefined);
    assert.deepEqual(refusal('c'), []);
    assert.deepEqual(refusal('d'), full);
    desk.pass(1_000);
    assert.deepEqual(refusal('d'), [], 'who waited no longer does');
    assert.deepEqual(refusal('e'), full);
    desk.restart();
    desk.connect(1);
    assert.deepEqual(refusal('e'), full, 'after a restart, too');
    desk.report(1, 'a', branchId);
    desk.commit(1, 'a');
    assert.deepEqual(refusal('e'), full, 'phase two of it is not done');
    desk.enlist(1);
    desk.answerPush(branchId);
    assert.deepEqual(refusal('e'), []);
    assert.equal(desk.state.registrations, 3);
  });
});
