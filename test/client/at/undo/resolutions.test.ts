import assert from 'node:assert/strict';
import { compensate } from '../../../../src/client/at/undo/compensate.js';
import type { PhaseTwoAnswer } from '../../../../src/client/resource/resource.js';
import type { Resolution } from '../../../../src/protocol/frames.js';
import { type Branch, UndoWorld } from './undo-world.js';

const TABLES = [
  'CREATE TABLE stock (id INT PRIMARY KEY, sku VARCHAR(20) NOT NULL UNIQUE, qty INT NOT NULL) DEFAULT CHARSET=utf8mb4',
  "INSERT INTO stock VALUES (1, 'a', 10), (2, 'b', 20), (3, 'c', 30)",
];

const BRANCH = [
  'UPDATE stock SET qty = 9 WHERE id = 1',
  'DELETE FROM stock WHERE id = 2',
  "INSERT INTO stock VALUES (4, 'd', 40)",
  'UPDATE stock SET id = 5 WHERE id = 3',
];

/** What others have done since: a row changed, one come, one gone, one moved. */
const OTHERS = [
  'UPDATE stock SET qty = 7 WHERE id = 1',
  "INSERT INTO stock VALUES (2, 'new', 1)",
  'DELETE FROM stock WHERE id = 4',
  'UPDATE stock SET id = 3, qty = 31 WHERE id = 5',
];

describe('A dirty branch that a person has decided about', () => {
  let world: UndoWorld;

  beforeEach(async () => {
    world = await UndoWorld.create(...TABLES);
  });

  afterEach(() => world.close());

  async function resolve(branch: Branch, resolution: Resolution): Promise<PhaseTwoAnswer> {
    const session = await world.session();
    return compensate(session.executor, world.toUndo(branch), resolution);
  }

  it('is restored over what others wrote, byte for byte, when that was the decision', async () => {
    const before = await world.dump();
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run(...OTHERS);
    await world.assertRefused(branch, 'DIRTY_WRITE', /id = 1.*id = 2/);
    assert.equal((await resolve(branch, 'RESTORE_BEFORE')).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
    assert.deepEqual(await world.undoRows(branch), [1]);
  });

  it('keeps every row as it is when that was the decision, and loses its images', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run(...OTHERS);
    const present = await world.dump();
    assert.equal((await resolve(branch, 'ACCEPT_CURRENT')).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), present);
    assert.deepEqual(await world.undoRows(branch), [1]);
  });

  it('is restored where nobody else wrote, too', async () => {
    const before = await world.dump();
    const branch = await world.branch(['stock'], ...BRANCH);
    assert.equal((await resolve(branch, 'RESTORE_BEFORE')).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
  });

  it('is restored over a row that has come under another spelling of its key', async () => {
    await world.run(
      'CREATE TABLE names (name VARCHAR(20) PRIMARY KEY, n INT) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci',
      "INSERT INTO names VALUES ('Ann', 1)",
    );
    const before = await world.dump();
    const branch = await world.branch(['names'], 'DELETE FROM names');
    await world.run("INSERT INTO names VALUES ('ANN', 2)");
    await world.assertRefused(branch, 'DIRTY_WRITE', /ANN/);
    assert.equal((await resolve(branch, 'RESTORE_BEFORE')).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
  });

  it('is not forced past what the database refuses: it needs a person again, and nothing is changed', async () => {
    const branch = await world.branch(['stock'], "UPDATE stock SET sku = 'free', qty = 1 WHERE id = 1");
    await world.run("INSERT INTO stock VALUES (8, 'a', 1)", 'UPDATE stock SET qty = 2 WHERE id = 1');
    const present = await world.dump();
    const answer = await resolve(branch, 'RESTORE_BEFORE');
    assert.equal(answer.outcome, 'PHASE_TWO_NEEDS_ATTENTION');
    assert.equal(answer.code, 'COMPENSATION_REFUSED');
    assert.equal(await world.dump(), present);
    assert.deepEqual(await world.undoRows(branch), [0]);
  });

  it('can be accepted even if its undo record is broken', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run(`UPDATE undo_log SET rollback_info = REVERSE(rollback_info) WHERE xid = '${branch.xid}'`);
    assert.equal((await resolve(branch, 'ACCEPT_CURRENT')).outcome, 'PHASE_TWO_DONE');
    assert.deepEqual(await world.undoRows(branch), [1]);
  });

  it('whose undo record is gone is done once a person accepts the rows as they are, and not before', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run(`DELETE FROM undo_log WHERE xid = '${branch.xid}'`);
    const present = await world.dump();
    const committed = world.toUndo(branch, true);
    const { executor } = await world.session();
    for (const resolution of ['UNRESOLVED', 'RESTORE_BEFORE'] as const) {
      const { outcome, code, detail } = await compensate(executor, committed, resolution);
      assert.deepEqual([outcome, code], ['PHASE_TWO_NEEDS_ATTENTION', 'UNDO_RECORD_MISSING']);
      assert.match(detail, /undo_log is gone.*--accept-current/);
      assert.deepEqual(await world.undoRows(branch), []);
    }
    assert.equal((await compensate(executor, committed, 'ACCEPT_CURRENT')).outcome, 'PHASE_TWO_DONE');
    assert.equal((await compensate(executor, committed)).outcome, 'PHASE_TWO_DONE');
    assert.deepEqual(await world.undoRows(branch), [1]);
    assert.equal(await world.dump(), present);
  });

  it('that has no undo record leaves a defence record, as any rollback does', async () => {
    const branch = { xid: 'never-written', branchId: '7' };
    assert.equal((await resolve(branch, 'ACCEPT_CURRENT')).outcome, 'PHASE_TWO_DONE');
    assert.deepEqual(await world.undoRows(branch), [1]);
  });
});
