import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlExecutor } from '../../../../src/client/at/executor.js';
import type { RawSession } from '../../../../src/client/at/resource/raw-connection.js';
import { compensate } from '../../../../src/client/at/undo/compensate.js';
import { errorNumber } from '../../../../src/client/at/undo/server-error.js';
import { newXid } from '../../../../src/protocol/xid.js';
import { UndoWorld } from './undo-world.js';

const TABLES = [
  'CREATE TABLE stock (id INT PRIMARY KEY, qty INT NOT NULL, note VARCHAR(40) NULL)',
  "INSERT INTO stock VALUES (1, 10, NULL), (2, 20, 'x'), (3, 30, '')",
];

const BRANCH = [
  "UPDATE stock SET qty = qty - 1, note = 'sold' WHERE id = 1",
  'DELETE FROM stock WHERE id = 2',
  "INSERT INTO stock VALUES (4, 40, 'new')",
];

async function connectionId({ executor }: RawSession): Promise<string> {
  const { rows } = await executor.query('SELECT CONNECTION_ID()');
  return String(rows[0]?.[0]);
}

/** Resolves once the session with this id waits for a row lock. */
async function waitsForRow(world: UndoWorld, id: string): Promise<void> {
  const { executor } = await world.session();
  for (;;) {
    const { rows } = await executor.query(
      `SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = ${id} AND trx_state = 'LOCK WAIT'`,
    );
    if (rows.length > 0) return;
    // InnoDB refreshes this view only once nobody has read it for a tenth of a second.
    await delay(150);
  }
}

describe('A rollback and a late phase one', () => {
  let world: UndoWorld;

  beforeEach(async () => {
    world = await UndoWorld.create(...TABLES);
  });

  afterEach(() => world.close());

  it('leaves a defence record that the late phase one runs into', async () => {
    const before = await world.dump();
    const branch = { xid: newXid(), branchId: '7' };
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    assert.deepEqual(await world.undoRows(branch), [1]);
    const { executor } = await world.session();
    await executor.query('START TRANSACTION');
    await assert.rejects(
      world.phaseOne(executor, ['stock'], BRANCH, branch),
      (error) => errorNumber(error) === 1062,
    );
    await executor.query('ROLLBACK');
    assert.equal(await world.dump(), before);
  });

  it('waits for a phase one that is about to commit, and then restores its rows', async () => {
    const before = await world.dump();
    const { executor } = await world.session();
    await executor.query('START TRANSACTION');
    const branch = await world.phaseOne(executor, ['stock'], BRANCH);
    const answer = world.compensate(branch);
    await delay(200);
    await executor.query('COMMIT');
    assert.notEqual((await answer).outcome, 'PHASE_TWO_NEEDS_ATTENTION');
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
  });

  it('bars the way to a phase one that was about to commit and rolled back', async () => {
    const before = await world.dump();
    const { executor } = await world.session();
    await executor.query('START TRANSACTION');
    const branch = await world.phaseOne(executor, ['stock'], BRANCH);
    const answer = world.compensate(branch);
    await delay(200);
    await executor.query('ROLLBACK');
    assert.equal((await answer).outcome, 'PHASE_TWO_DONE');
    assert.deepEqual(await world.undoRows(branch), [1]);
    assert.equal(await world.dump(), before);
  });

  it('asks to be sent again when phase one does not end in time', async () => {
    const { executor } = await world.session();
    await executor.query('START TRANSACTION');
    const branch = await world.phaseOne(executor, ['stock'], BRANCH);
    const answer = await world.compensate(branch);
    assert.equal(answer.outcome, 'PHASE_TWO_RETRY');
    assert.match(answer.detail, /1205/);
    await executor.query('COMMIT');
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
  });

  it('asks to be sent again when phase one commits between its look and its defence record', async () => {
    const before = await world.dump();
    const branch = { xid: newXid(), branchId: '7' };
    const session = await world.session();
    const late = await world.session();
    let came = false;
    const query: SqlExecutor['query'] = async (sql) => {
      if (sql.startsWith('INSERT') && !came) {
        came = true;
        await late.executor.query('START TRANSACTION');
        await world.phaseOne(late.executor, ['stock'], BRANCH, branch);
        await late.executor.query('COMMIT');
      }
      return session.executor.query(sql);
    };
    const { outcome, detail } = await compensate({ query }, world.toUndo(branch));
    assert.equal(outcome, 'PHASE_TWO_RETRY', detail);
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
  });

  it('never lets both happen, whatever the moment', async () => {
    const before = await world.dump();
    for (let round = 0; round < 40; round += 1) {
      const branch = { xid: newXid(), branchId: String(round) };
      const late = await world.session();
      const phaseOne = (async () => {
        await late.executor.query('START TRANSACTION');
        try {
          await world.phaseOne(late.executor, ['stock'], BRANCH, branch);
          await late.executor.query('COMMIT');
          return 'committed';
        } catch (error) {
          await late.executor.query('ROLLBACK');
          assert.ok([1062, 1205, 1213].includes(errorNumber(error) ?? 0), String(error));
          return 'refused';
        }
      })();
      const session = await world.session();
      await delay(round % 10);
      const first = await world.compensate(branch, session);
      const outcome = await phaseOne;
      if (first.outcome === 'PHASE_TWO_RETRY') await world.compensate(branch, session);
      assert.equal(
        await world.dump(),
        before,
        `round ${round}: ${outcome}, ${first.outcome} ${first.detail}`,
      );
      late.destroy();
      session.destroy();
    }
  });
});

describe('A rollback that two processes carry out at once', () => {
  it('has its effect once', async () => {
    const world = await UndoWorld.create(...TABLES);
    try {
      const before = await world.dump();
      const branch = await world.branch(['stock'], ...BRANCH);
      const sessions = await Promise.all(Array.from({ length: 8 }, () => world.session()));
      const answers = await Promise.all(sessions.map((session) => world.compensate(branch, session)));
      assert.ok(answers.some(({ outcome }) => outcome === 'PHASE_TWO_DONE'));
      assert.ok(answers.every(({ outcome }) => outcome !== 'PHASE_TWO_NEEDS_ATTENTION'));
      assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
      assert.equal(await world.dump(), before);
    } finally {
      world.close();
    }
  });
});

describe('A rollback that is cut off', () => {
  let world: UndoWorld;

  beforeEach(async () => {
    world = await UndoWorld.create(...TABLES);
  });

  afterEach(() => world.close());

  /** Does `cut` in place of the statement with the given number; later ones find a lost connection. */
  function cutAt(executor: SqlExecutor, statement: number, cut: (sql: string) => Promise<void>) {
    const cuts = { count: 0, last: '' };
    const lost = () =>
      Object.assign(new Error('Connection lost'), { fatal: true, code: 'PROTOCOL_CONNECTION_LOST' });
    const query: SqlExecutor['query'] = async (sql) => {
      cuts.count += 1;
      cuts.last = sql;
      if (cuts.count < statement) return executor.query(sql);
      if (cuts.count === statement) await cut(sql);
      throw lost();
    };
    return { cuts, query };
  }

  for (const [when, answered] of [
    ['before a statement', false],
    ['after a statement, whose answer is lost', true],
  ] as const) {
    it(`restores everything or nothing, and everything when it is sent again: cut ${when}`, async () => {
      const before = await world.dump();
      let commits = 0;
      for (let at = 1; ; at += 1) {
        const branch = await world.branch(['stock'], ...BRANCH);
        const after = await world.dump();
        const session = await world.session();
        const { cuts, query } = cutAt(session.executor, at, async (sql) => {
          if (answered) await session.executor.query(sql);
          session.destroy();
        });
        const answer = await compensate({ query }, world.toUndo(branch)).catch(() => undefined);
        if (cuts.count < at) {
          assert.equal(answer?.outcome, 'PHASE_TWO_DONE');
          assert.ok(at > 8, 'the compensation had fewer statements than expected');
          break;
        }
        await delay(20);
        const now = await world.dump();
        assert.ok(now === before || now === after);
        if (now === before) commits += 1;
        const last = await world.compensate(branch);
        assert.equal(last.outcome, 'PHASE_TWO_DONE', last.detail);
        assert.equal(await world.dump(), before);
      }
      assert.equal(commits, answered ? 1 : 0);
    }).timeout(120_000);
  }

  it('asks to be sent again when its connection is killed', async () => {
    const before = await world.dump();
    const branch = await world.branch(['stock'], ...BRANCH);
    const blocker = await world.session();
    await blocker.executor.query('START TRANSACTION');
    await blocker.executor.query('SELECT * FROM stock WHERE id = 4 FOR UPDATE');
    const session = await world.session();
    const id = await connectionId(session);
    const answer = assert.rejects(world.compensate(branch, session));
    await waitsForRow(world, id);
    await world.run(`KILL ${id}`);
    await answer;
    assert.ok(session.broken);
    await blocker.executor.query('ROLLBACK');
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
  });

  it('asks to be sent again after a deadlock', async () => {
    const before = await world.dump();
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run('CREATE TABLE ballast (id INT PRIMARY KEY)');
    const other = await world.session();
    await other.executor.query('START TRANSACTION');
    // InnoDB ends the transaction that has changed fewer rows.
    const rows = Array.from({ length: 500 }, (_, at) => `(${at})`).join(',');
    await other.executor.query(`INSERT INTO ballast VALUES ${rows}`);
    await other.executor.query('SELECT * FROM stock WHERE id = 4 FOR UPDATE');
    const session = await world.session();
    const id = await connectionId(session);
    const answer = world.compensate(branch, session);
    await waitsForRow(world, id);
    await other.executor.query('SELECT * FROM stock WHERE id = 1 FOR UPDATE');
    const { outcome, detail } = await answer;
    assert.equal(outcome, 'PHASE_TWO_RETRY');
    assert.match(detail, /1213/);
    await other.executor.query('ROLLBACK');
    await world.run('DROP TABLE ballast');
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
  });
});
