import assert from 'node:assert/strict';
import {
  createState,
  DEFAULT_CONFIG,
  listLocks,
  lockCount,
  recover,
} from '../../../src/server/core/index.js';
import type { BranchRecord, TransactionRecord } from '../../../src/server/store/store.js';
import { Desk, locks, word } from './desk.js';

const TRANSACTION: TransactionRecord = {
  type: 'transaction',
  xid: 'a',
  name: '',
  application: '',
  status: 'ACTIVE',
  reason: '',
  begunAt: 0,
  timeoutMs: 60_000,
  decidedAt: 0,
  endedAt: 0,
};
const BRANCH: BranchRecord = {
  type: 'branch',
  xid: 'a',
  branchId: '1',
  kind: 'AT',
  resourceId: 'shop',
  clientId: 'c',
  requestId: 'r',
  locksOnly: false,
  locks: [locks(['k'])],
  registeredAt: 0,
  phaseOne: '',
  attention: null,
};
const LIMIT = { type: 'fact', name: 'branchIdLimit', value: '100' } as const;

describe('a coordinator that is started again', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk({ branchIdBlock: 3 });
    desk.connect(1);
  });

  function startAgain(): void {
    desk.restart();
    desk.connect(1);
  }

  it('holds the locks of what is undecided, and of what is being rolled back', () => {
    desk.branch(1, 'a', ['k1']);
    const branch = desk.branch(1, 'a', ['k2']);
    desk.register(1, 'a', { branchId: branch, requestId: 'more', locks: [locks(['k3'])] });
    desk.branch(1, 'b', ['k4']);
    desk.branch(1, 'b', ['k5'], { locksOnly: true });
    desk.rollback(1, 'b');
    desk.doneBranch(1, 'c', ['k6']);
    desk.commit(1, 'c');
    startAgain();
    assert.deepEqual(
      listLocks(desk.state)
        .map(({ key }) => key)
        .sort(),
      ['k1', 'k2', 'k3', 'k4'],
    );
    const again = desk.register(1, 'a', { branchId: branch, requestId: 'more', locks: [locks(['k3'])] });
    assert.deepEqual(again, { body: 'branchRegistered', branchRegistered: { branchId: branch } });
  });

  it('knows its decisions, and asks for the reports of what is undecided', () => {
    const branch = desk.doneBranch(1, 'a', ['k1']);
    desk.doneBranch(1, 'b', ['k2']);
    desk.commit(1, 'b');
    startAgain();
    assert.equal(word(desk.commit(1, 'b')), 'COMMITTING');
    assert.equal(word(desk.commit(1, 'a')), '', 'the report is lost');
    const frame = desk.lastFrame;
    desk.report(1, 'a', branch);
    assert.equal(word(desk.answerTo(frame)), 'COMMITTING');
  });

  it('carries phase two on as soon as the resource is enlisted, newest first', () => {
    const older = desk.doneBranch(1, 'a', ['k1']);
    const newer = desk.doneBranch(1, 'a', ['k2']);
    desk.rollback(1, 'a');
    startAgain();
    desk.enlist(1);
    assert.deepEqual(
      desk.pushes().map(({ branchId }) => branchId),
      [newer],
    );
    desk.answerPush(newer);
    desk.pass(DEFAULT_CONFIG.writeLaterMs);
    startAgain();
    desk.enlist(1);
    desk.answerPush(older);
    assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
  });

  it('pushes nothing again after a clean end that was answered before', () => {
    desk.enlist(1);
    desk.doneBranch(1, 'a', ['k1']);
    const pushed = desk.doneBranch(1, 'b', ['k2']);
    desk.commit(1, 'b');
    desk.answerPush(pushed);
    desk.close();
    const pushes = desk.pushes().length;
    startAgain();
    desk.enlist(1);
    assert.equal(desk.pushes().length, pushes);
    assert.equal(desk.status(1, 'b'), 'COMMITTED');
    assert.equal(desk.status(1, 'a'), 'ACTIVE');
  });

  it('gives out branch ids above every one that was ever given out', () => {
    const before = BigInt(desk.branch(1, 'a'));
    for (let life = 0; life < 5; life++) {
      startAgain();
      const ids = Array.from({ length: 4 }, () => BigInt(desk.branch(1, 'a')));
      assert.ok(ids.every((id, index) => id > (ids[index - 1] ?? before)));
    }
  });

  it('counts the time of a transaction from its begin, the time when it was down included', () => {
    desk.begin(1, 'a', 10_000);
    desk.pass(4_000);
    desk.now += 5_999;
    startAgain();
    assert.equal(desk.status(1, 'a'), 'ACTIVE');
    desk.pass(1);
    assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
  });

  it('does not lengthen a timeout when the clock was set back in between', () => {
    desk.begin(1, 'a', 10_000);
    desk.now -= 500_000;
    startAgain();
    desk.pass(10_000);
    assert.equal(desk.status(1, 'a'), 'ROLLED_BACK');
  });

  it('keeps its name', () => {
    const name = desk.state.coordinatorId;
    const state = createState({ ...DEFAULT_CONFIG, coordinatorId: 'another' });
    recover(state, desk.records.values(), desk.now);
    assert.equal(state.coordinatorId, name);
  });

  it('refuses to start on records that contradict each other', () => {
    const broken = [
      [BRANCH, LIMIT],
      [TRANSACTION, BRANCH],
      [TRANSACTION, { ...BRANCH, partOf: '7' }, LIMIT],
      [{ ...TRANSACTION, status: 'COMMITTED' as const }, BRANCH, LIMIT],
      [TRANSACTION, BRANCH, { ...TRANSACTION, xid: 'b' }, { ...BRANCH, xid: 'b', branchId: '2' }, LIMIT],
    ];
    for (const records of broken) {
      assert.throws(() => recover(createState(DEFAULT_CONFIG), records, 0), { code: 'STORE_CORRUPT' });
    }
    const state = createState(DEFAULT_CONFIG);
    recover(state, [BRANCH, LIMIT, TRANSACTION], 0);
    assert.equal(lockCount(state), 1, 'the order of records does not matter');
  });
});
