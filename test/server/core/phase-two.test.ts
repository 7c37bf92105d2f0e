import assert from 'node:assert/strict';
import { DEFAULT_CONFIG, listTransactions, lockCount } from '../../../src/server/core/index.js';
import { Desk, locks, word } from './desk.js';

function branchesPushed(desk: Desk): string[] {
  return desk.pushes().map(({ branchId }) => branchId);
}

describe('phase two', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    desk.connect(1);
    desk.connect(2);
  });

  it('goes to the client that registered the branch, if it has the resource', () => {
    desk.enlist(1);
    desk.enlist(2);
    desk.doneBranch(2, 'a', ['k']);
    desk.commit(1, 'a');
    assert.deepEqual(
      desk.pushes().map(({ session }) => session),
      [2],
    );
  });

  it('of dead clients is spread over those that have the resource', () => {
    desk.connect(3);
    const branches = Array.from({ length: 10 }, (_, index) => desk.doneBranch(3, 'a', [`k${index}`]));
    desk.disconnect(3);
    desk.enlist(1);
    desk.enlist(2);
    desk.commit(1, 'a');
    const sessions = desk.pushes().map(({ session }) => session);
    assert.equal(branches.length, 10);
    assert.deepEqual(
      [sessions.filter((s) => s === 1).length, sessions.filter((s) => s === 2).length],
      [5, 5],
    );
  });

  it('says whether phase one is known to be done, which a coordinator that was started again is told anew', () => {
    desk.enlist(1);
    const done = desk.doneBranch(1, 'a', ['k1']);
    const unknown = desk.branch(1, 'b', ['k2']);
    desk.rollback(1, 'a');
    desk.rollback(1, 'b');
    const said = () => desk.pushes().map(({ branchId, phaseOneDone }) => [branchId, phaseOneDone]);
    assert.deepEqual(said(), [
      [done, true],
      [unknown, false],
    ]);
    desk.restart();
    desk.sent.length = 0;
    desk.connect(1);
    desk.report(1, 'b', unknown);
    desk.enlist(1);
    assert.deepEqual(said(), [
      [done, false],
      [unknown, true],
    ]);
    desk.answerPush(done);
    desk.answerPush(unknown);
    assert.equal(desk.status(1, 'b'), 'ROLLED_BACK');
  });

  it('waits until somebody enlists the resource, and then goes out at once', () => {
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.pass(1_000_000);
    assert.deepEqual(branchesPushed(desk), []);
    desk.enlist(2);
    assert.deepEqual(branchesPushed(desk), [branch]);
  });

  it('rolls back newest first within a resource, one after the other, and resources side by side', () => {
    desk.enlist(1, 'shop');
    desk.enlist(1, 'bank');
    const [one, two, three, four] = [
      desk.doneBranch(1, 'a', ['k1']),
      desk.doneBranch(1, 'a', [], { resourceId: 'bank', locks: [locks(['x'], 'EXCLUSIVE', 'bank')] }),
      desk.doneBranch(1, 'a', ['k2']),
      desk.doneBranch(1, 'a', [], { resourceId: 'bank', locks: [locks(['y'], 'EXCLUSIVE', 'bank')] }),
    ];
    desk.rollback(1, 'a');
    assert.deepEqual(branchesPushed(desk), [three, four]);
    desk.answerPush(three);
    assert.deepEqual(branchesPushed(desk), [three, four, one]);
    desk.answerPush(one);
    desk.answerPush(four);
    assert.deepEqual(branchesPushed(desk), [three, four, one, two]);
    desk.answerPush(two);
    assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
    assert.equal(lockCount(desk.state), 0);
  });

  it('keeps that order where one branch reached the other one’s tables through another connection', () => {
    desk.enlist(1, 'shop');
    desk.enlist(1, 'bank');
    const older = desk.doneBranch(1, 'a', [], {
      resourceId: 'bank',
      locks: [locks(['x'], 'EXCLUSIVE', 'bank')],
    });
    const newer = desk.doneBranch(1, 'a', [], {
      resourceId: 'shop',
      locks: [locks(['x'], 'EXCLUSIVE', 'bank')],
    });
    desk.rollback(1, 'a');
    assert.deepEqual(branchesPushed(desk), [newer]);
    desk.answerPush(newer);
    assert.deepEqual(branchesPushed(desk), [newer, older]);
  });

  it('is not needed for a branch that only holds locks', () => {
    desk.enlist(1);
    desk.branch(1, 'a', ['k'], { locksOnly: true });
    desk.rollback(1, 'a');
    assert.deepEqual(desk.pushes(), []);
    assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
  });

  it('is tried again with another client when a push stays unanswered', () => {
    desk.enlist(1);
    desk.enlist(2);
    desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.pass(DEFAULT_CONFIG.phaseTwoTimeoutMs);
    assert.deepEqual(
      desk.pushes().map(({ session, attempt }) => [session, attempt]),
      [
        [1, 1],
        [2, 2],
      ],
    );
  });

  it('is tried again at once when the session is lost', () => {
    desk.enlist(1);
    desk.enlist(2);
    desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.disconnect(1);
    assert.deepEqual(
      desk.pushes().map(({ session }) => session),
      [1, 2],
    );
  });

  it('is retried for ever, later each time, up to the ceiling', () => {
    desk = new Desk({ retry: { firstMs: 100, factor: 2, ceilingMs: 1_000, jitter: 0 } });
    desk.connect(1);
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    for (const wait of [100, 200, 400, 800, 1_000, 1_000]) {
      desk.answerPush(branch, 'PHASE_TWO_RETRY');
      const before = desk.pushes().length;
      desk.pass(wait - 1);
      assert.equal(desk.pushes().length, before);
      desk.pass(1);
      assert.equal(desk.pushes().length, before + 1);
    }
  });

  it('is retried at once when a client of the resource comes back', () => {
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.answerPush(branch, 'PHASE_TWO_RETRY');
    desk.enlist(2);
    assert.equal(desk.pushes().length, 2);
  });

  it('that needs a person keeps its locks, is not retried by itself, and holds up the older branches', () => {
    desk.enlist(1);
    const older = desk.doneBranch(1, 'a', ['k1']);
    const newer = desk.doneBranch(1, 'a', ['k2']);
    desk.rollback(1, 'a');
    desk.answerPush(newer, 'PHASE_TWO_NEEDS_ATTENTION');
    desk.enlist(2);
    desk.pass(1_000_000);
    desk.restart();
    desk.connect(1);
    desk.enlist(1);
    assert.deepEqual(branchesPushed(desk), [newer]);
    assert.equal(desk.status(1, 'a'), 'NEEDS_ATTENTION');
    assert.equal(lockCount(desk.state), 2);
    assert.equal(listTransactions(desk.state)[0]?.branches[1]?.attention?.code, 'DIRTY_WRITE');
    desk.retry('a');
    desk.answerPush(newer);
    desk.answerPush(older);
    assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
  });

  it('counts an answer that says done however late, and no other late answer', () => {
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.rollback(1, 'a');
    desk.pass(DEFAULT_CONFIG.phaseTwoTimeoutMs);
    const result = { xid: 'a', branchId: branch, code: '', detail: '' } as const;
    const answer = (
      outcome: 'PHASE_TWO_DONE' | 'PHASE_TWO_NEEDS_ATTENTION',
      attempt: number,
      decision = 'ROLLBACK',
    ) =>
      desk.frame(1, {
        body: 'phaseTwoResult',
        phaseTwoResult: {
          ...result,
          outcome,
          attempt,
          decision: decision === 'COMMIT' ? 'COMMIT' : 'ROLLBACK',
        },
      });
    answer('PHASE_TWO_NEEDS_ATTENTION', 1);
    assert.equal(desk.status(1, 'a'), 'ROLLING_BACK');
    answer('PHASE_TWO_DONE', 1, 'COMMIT');
    answer('PHASE_TWO_DONE', 9);
    answer('PHASE_TWO_DONE', 0);
    assert.equal(desk.status(1, 'a'), 'ROLLING_BACK');
    answer('PHASE_TWO_DONE', 1);
    answer('PHASE_TWO_DONE', 1);
    assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
  });

  it('does not bury one client: it has a limited number of pushes open', () => {
    desk = new Desk({ maxPushes: 3 });
    desk.connect(1);
    desk.enlist(1);
    const branches = Array.from({ length: 5 }, (_, index) => desk.doneBranch(1, 'a', [`k${index}`]));
    desk.commit(1, 'a');
    assert.equal(desk.pushes().length, 3);
    for (const branch of branches) desk.answerPush(branch);
    assert.equal(desk.status(1, 'a'), 'COMMITTED');
  });

  it('moves on when the client withdraws the resource', () => {
    desk.enlist(1);
    desk.enlist(2);
    desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.frame(1, { body: 'withdrawResource', withdrawResource: { resourceId: 'shop' } });
    assert.deepEqual(
      desk.pushes().map(({ session }) => session),
      [1, 2],
    );
  });

  it('answers a commit with the same outcome while a branch of it is retried', () => {
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    assert.equal(word(desk.commit(1, 'a')), 'COMMITTING');
    desk.answerPush(branch, 'PHASE_TWO_NEEDS_ATTENTION');
    assert.equal(word(desk.commit(1, 'a')), 'COMMITTING', 'needing a person does not make it less committed');
  });
});
