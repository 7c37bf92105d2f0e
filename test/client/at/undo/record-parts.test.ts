import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { UndoLogCleaner } from '../../../../src/client/at/resource/undo-log-cleaner.js';
import { showBranch } from '../../../../src/client/at/undo/show-branch.js';
import { UndoWorld } from './undo-world.js';

/** Rows of the undo log that have a part of a record. */
const PARTS = 'SELECT branch_id FROM undo_log WHERE log_status = 2';

describe('an undo record that is larger than a row of the undo log', () => {
  let world: UndoWorld;

  before(async () => {
    world = await UndoWorld.create('CREATE TABLE photos (id INT PRIMARY KEY, photo LONGBLOB, note TEXT)');
    for (let id = 0; id < 4; id += 1) {
      await world.run(
        `INSERT INTO photos VALUES (${id}, x'${randomBytes(700_000).toString('hex')}', 'n\u00f8te ${id}')`,
      );
    }
  });

  after(() => world.close());

  async function parts(): Promise<number> {
    const { executor } = await world.session();
    return (await executor.query(PARTS)).rows.length;
  }

  const erase = () => world.branch(['photos'], 'UPDATE photos SET photo = NULL');

  it('is kept in parts, which go with it when the branch is rolled back', async () => {
    const before = await world.dump();
    const branch = await erase();
    assert.equal(await parts(), 3);
    const { executor } = await world.session();
    const shown = await showBranch(executor, world.toUndo(branch));
    assert.deepEqual(
      shown.tables[0]?.rows.map(({ state }) => state),
      ['after', 'after', 'after', 'after'],
    );
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
    assert.equal(await parts(), 0);
    assert.deepEqual(await world.undoRows(branch), [1]);
  });

  it('is deleted with its parts when the transaction is committed, and others are left', async () => {
    const one = await world.branch(['photos'], 'UPDATE photos SET photo = REVERSE(photo)');
    const other = await world.branch(['photos'], 'UPDATE photos SET photo = REVERSE(photo)');
    const kept = await parts();
    const sessions = { withSession: async (fn) => fn((await world.session()).executor) } satisfies Pick<
      ConstructorParameters<typeof UndoLogCleaner>[0],
      'withSession'
    >;
    const cleaner = new UndoLogCleaner(sessions, world.database);
    assert.equal((await cleaner.delete(one)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await parts(), kept / 2);
    assert.deepEqual([await world.undoRows(one), await world.undoRows(other)], [[], [0]]);
    assert.equal((await world.compensate(other)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await parts(), 0);
  });

  for (const [what, sql] of [
    ['a part is missing', 'DELETE FROM undo_log WHERE log_status = 2 ORDER BY branch_id LIMIT 1'],
    [
      'a byte of a part has changed',
      "UPDATE undo_log SET rollback_info = INSERT(rollback_info, 100, 3, x'010203') WHERE log_status = 2 LIMIT 1",
    ],
    [
      'its last part is cut',
      'UPDATE undo_log SET rollback_info = LEFT(rollback_info, 1000) WHERE log_status = 2 ORDER BY branch_id LIMIT 1',
    ],
  ] as const) {
    it(`is not believed when ${what}`, async () => {
      const branch = await erase();
      await world.run(sql);
      await world.assertRefused(branch, 'COMPENSATION_REFUSED', /The undo record cannot be read/);
      await world.run('DELETE FROM undo_log', 'UPDATE photos SET photo = REPEAT(RANDOM_BYTES(1000), 700)');
    });
  }
});
