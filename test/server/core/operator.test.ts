import assert from 'node:assert/strict';
import { counts, listTransactions, lockCount } from '../../../src/server/core/index.js';
import { Desk } from './desk.js';

/** A rollback whose newer branch needs a person. */
function stuck(): { desk: Desk; older: string; newer: string } {
  const desk = new Desk();
  desk.connect(1);
  desk.enlist(1);
  const older = desk.doneBranch(1, 'a', ['k1']);
  const newer = desk.doneBranch(1, 'a', ['k2']);
  desk.rollback(1, 'a');
  desk.answerPush(newer, 'PHASE_TWO_NEEDS_ATTENTION');
  return { desk, older, newer };
}

function resolutions(desk: Desk): string[] {
  return desk.pushes().map(({ branchId, resolution }) => `${branchId} ${resolution}`);
}

describe('an operator', () => {
  for (const resolution of ['ACCEPT_CURRENT', 'RESTORE_BEFORE'] as const) {
    it(`resolves a branch by ${resolution}: it is pushed with that, and the older ones without`, () => {
      const { desk, older, newer } = stuck();
      assert.equal(counts(desk.state).needingAttention, 1);
      desk.order({ type: 'resolve', xid: 'a', branchId: newer, resolution });
      assert.equal(desk.written, 1);
      assert.equal(counts(desk.state).needingAttention, 0);
      assert.equal(desk.status(1, 'a'), 'ROLLING_BACK');
      assert.equal(lockCount(desk.state), 2);
      desk.answerPush(newer);
      assert.equal(lockCount(desk.state), 1);
      desk.answerPush(older);
      assert.deepEqual(resolutions(desk), [
        `${newer} UNRESOLVED`,
        `${newer} ${resolution}`,
        `${older} UNRESOLVED`,
      ]);
      assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
    });
  }

  it('is not asked again after a restart, nor when the attempt must be repeated', () => {
    const { desk, newer } = stuck();
    desk.order({ type: 'resolve', xid: 'a', branchId: newer, resolution: 'RESTORE_BEFORE' });
    desk.restart();
    desk.connect(1);
    desk.enlist(1);
    desk.answerPush(newer, 'PHASE_TWO_RETRY');
    desk.pass(10_000);
    assert.deepEqual(resolutions(desk).slice(1), Array(3).fill(`${newer} RESTORE_BEFORE`));
  });

  it('is asked again when the branch still cannot go on: one word is good for one trouble', () => {
    const { desk, newer } = stuck();
    desk.order({ type: 'resolve', xid: 'a', branchId: newer, resolution: 'RESTORE_BEFORE' });
    desk.answerPush(newer, 'PHASE_TWO_NEEDS_ATTENTION');
    assert.equal(desk.status(1, 'a'), 'NEEDS_ATTENTION');
    desk.retry('a', newer);
    assert.equal(resolutions(desk).at(-1), `${newer} UNRESOLVED`);
  });

  it('cannot resolve a branch that needs nobody', () => {
    const { desk, older, newer } = stuck();
    const pushes = desk.pushes().length;
    desk.order({ type: 'resolve', xid: 'a', branchId: older, resolution: 'ACCEPT_CURRENT' });
    desk.order({ type: 'resolve', xid: 'b', branchId: newer, resolution: 'ACCEPT_CURRENT' });
    assert.equal(desk.written, 0);
    assert.equal(desk.pushes().length, pushes);
    assert.equal(desk.status(1, 'a'), 'NEEDS_ATTENTION');
  });

  it('cannot have a commit restored', () => {
    const desk = new Desk();
    desk.connect(1);
    desk.enlist(1);
    const branch = desk.doneBranch(1, 'a', ['k']);
    desk.commit(1, 'a');
    desk.answerPush(branch, 'PHASE_TWO_NEEDS_ATTENTION');
    desk.order({ type: 'resolve', xid: 'a', branchId: branch, resolution: 'RESTORE_BEFORE' });
    assert.equal(desk.pushes().length, 1);
    desk.order({ type: 'resolve', xid: 'a', branchId: branch, resolution: 'ACCEPT_CURRENT' });
    desk.answerPush(branch);
    assert.equal(desk.status(1, 'a'), 'COMMITTED');
  });

  it('rolls an active transaction back, and no other', () => {
    const { desk } = stuck();
    const branch = desk.doneBranch(1, 'b', ['k3']);
    desk.order({ type: 'rollback', xid: 'b' });
    assert.equal(desk.status(1, 'b'), 'ROLLING_BACK');
    assert.equal(listTransactions(desk.state, { xid: 'b' })[0]?.reason, 'OPERATOR');
    desk.answerPush(branch);
    desk.doneBranch(1, 'c', ['k4']);
    desk.commit(1, 'c');
    desk.order({ type: 'rollback', xid: 'c' });
    desk.order({ type: 'rollback', xid: 'nothing' });
    assert.equal(desk.status(1, 'c'), 'COMMITTING');
  });
});
