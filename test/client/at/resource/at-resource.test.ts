import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { AtResource } from '../../../../src/client/at/resource/at-resource.js';
import type { DefenceRecordOptions } from '../../../../src/client/at/resource/defence-records.js';
import {
  createSessionSource,
  type PrivateSessions,
  type SessionSource,
} from '../../../../src/client/at/resource/raw-session.js';
import type { Logger } from '../../../../src/client/logger.js';
import type { Decision, PhaseTwo } from '../../../../src/protocol/frames.js';
import { freePort } from '../../../support/free-port.js';
import { type Branch, UndoWorld } from '../undo/undo-world.js';

function phaseTwo(branch: Branch, decision: Decision): PhaseTwo {
  const told = { resolution: 'UNRESOLVED', phaseOneDone: false } as const;
  return { ...branch, resourceId: 'r', kind: 'AT', decision, attempt: 1, ...told };
}

interface Logged {
  readonly facts: object;
  readonly message: string;
}

function memoryLogger(): { readonly lines: Logged[]; readonly logger: Logger } {
  const lines: Logged[] = [];
  const note = (facts: object, message: string) => {
    lines.push({ facts, message });
  };
  return { lines, logger: { debug: note, info: note, warn: note, error: note } };
}

describe('Phase two of a database', () => {
  let world: UndoWorld;
  let sessions: PrivateSessions;
  let statements: string[];
  let resource: AtResource;
  let lines: Logged[];

  /** The sessions, with every statement noted. */
  function noted(source: SessionSource): SessionSource {
    return {
      withSession: (fn) =>
        source.withSession((executor) =>
          fn({
            query: (sql) => {
              statements.push(sql);
              return executor.query(sql);
            },
          }),
        ),
    };
  }

  function open(source: SessionSource, defenceRecords?: DefenceRecordOptions): AtResource {
    const { logger, lines: written } = memoryLogger();
    lines = written;
    return new AtResource({
      identity: { resourceId: 'r', kind: 'AT', serverId: 's', label: 'test' },
      schema: world.database,
      server: world.server.kind,
      sessions: source,
      logger,
      ...(defenceRecords === undefined ? {} : { defenceRecords }),
    });
  }

  async function undoRows(): Promise<number> {
    const { executor } = await world.session();
    const { rows } = await executor.query('SELECT COUNT(*) FROM undo_log');
    return Number(rows[0]?.[0]);
  }

  beforeEach(async () => {
    world = await UndoWorld.create('CREATE TABLE t (id INT PRIMARY KEY, n INT)');
    sessions = createSessionSource(world.server.options(world.database));
    statements = [];
    resource = open(noted(sessions));
  });

  afterEach(() => {
    resource.close();
    sessions.close();
    world.close();
  });

  it('tells the coordinator no more of its identity than the contract has', () => {
    assert.deepEqual(resource.identity, { resourceId: 'r', kind: 'AT', serverId: 's', label: 'test' });
  });

  it('deletes the undo records of many commits in one statement', async () => {
    const branches: Branch[] = [];
    for (let id = 0; id < 20; id += 1)
      branches.push(await world.branch(['t'], `INSERT INTO t VALUES (${id}, 0)`));
    const after = await world.dump();
    const answers = await Promise.all([
      resource.phaseTwo(branches.slice(0, 7).map((branch) => phaseTwo(branch, 'COMMIT'))),
      ...branches.slice(7).map((branch) => resource.phaseTwo([phaseTwo(branch, 'COMMIT')])),
    ]);
    assert.ok(answers.flat().every(({ outcome }) => outcome === 'PHASE_TWO_DONE'));
    assert.equal(answers.flat().length, 20);
    assert.equal(statements.filter((sql) => sql.startsWith('DELETE')).length, 1);
    assert.equal(statements.length, 2, 'the other looks for parts of large records');
    assert.equal(await undoRows(), 0);
    assert.equal(await world.dump(), after);
    const [again] = await resource.phaseTwo([phaseTwo(branches[0]!, 'COMMIT')]);
    assert.equal(again?.outcome, 'PHASE_TWO_DONE');
  });

  it('deletes beside phase ones that are not committed yet, without waiting for them', async () => {
    const branch = await world.branch(['t'], 'INSERT INTO t VALUES (1, 0)');
    const { executor } = await world.session();
    await executor.query('START TRANSACTION');
    const open = await world.phaseOne(executor, ['t'], ['INSERT INTO t VALUES (2, 0)']);
    const started = Date.now();
    const [answer] = await resource.phaseTwo([phaseTwo(branch, 'COMMIT')]);
    assert.equal(answer?.outcome, 'PHASE_TWO_DONE');
    assert.ok(Date.now() - started < 2000);
    await executor.query('COMMIT');
    assert.deepEqual(await world.undoRows(open), [0]);
  });

  it('restores the rows of a rollback', async () => {
    const before = await world.dump();
    const branch = await world.branch(['t'], 'INSERT INTO t VALUES (1, 0), (2, 0)');
    const [answer] = await resource.phaseTwo([phaseTwo(branch, 'ROLLBACK')]);
    assert.deepEqual(answer, { outcome: 'PHASE_TWO_DONE', code: '', detail: '' });
    assert.equal(await world.dump(), before);
  });

  it('carries out more rollbacks at once than it has sessions', async () => {
    const before = await world.dump();
    const branches: Branch[] = [];
    for (let id = 0; id < 12; id += 1)
      branches.push(await world.branch(['t'], `INSERT INTO t VALUES (${id}, 0)`));
    const answers = await resource.phaseTwo(branches.map((branch) => phaseTwo(branch, 'ROLLBACK')));
    assert.ok(answers.every(({ outcome }) => outcome === 'PHASE_TWO_DONE'));
    assert.equal(await world.dump(), before);
  });

  it('notices that a table was altered since it last restored one', async () => {
    const first = await world.branch(['t'], 'INSERT INTO t VALUES (1, 0)');
    await resource.phaseTwo([phaseTwo(first, 'ROLLBACK')]);
    await world.run('ALTER TABLE t ADD COLUMN extra VARCHAR(9) NULL');
    const before = await world.dump();
    const second = await world.branch(['t'], "INSERT INTO t VALUES (1, 0, 'x')");
    const [answer] = await resource.phaseTwo([phaseTwo(second, 'ROLLBACK')]);
    assert.equal(answer?.outcome, 'PHASE_TWO_DONE', answer?.detail);
    assert.equal(await world.dump(), before);
  });

  it('says what it could not do, and leaves it to others to log it', async () => {
    const branch = await world.branch(['t'], 'INSERT INTO t VALUES (1, 0)');
    await world.run('UPDATE t SET n = 1');
    const [answer] = await resource.phaseTwo([phaseTwo(branch, 'ROLLBACK')]);
    assert.equal(answer?.code, 'DIRTY_WRITE');
    assert.match(answer.detail, /\bn\b/);
    assert.deepEqual(lines, []);
  });

  it('asks to be sent again while the database is away', async () => {
    const away = createSessionSource({ ...world.server.options(), port: await freePort() });
    const lost = open(away);
    try {
      const branch = { xid: 'x', branchId: '1' };
      const [commit] = await lost.phaseTwo([phaseTwo(branch, 'COMMIT')]);
      const [rollback] = await lost.phaseTwo([phaseTwo(branch, 'ROLLBACK')]);
      for (const answer of [commit, rollback]) {
        assert.equal(answer?.outcome, 'PHASE_TWO_RETRY');
        assert.match(answer?.detail ?? '', /ECONNREFUSED/);
      }
    } finally {
      lost.close();
      away.close();
    }
  });

  it('removes defence records when their time is over, and nothing else', async () => {
    const kept = await world.branch(['t'], 'INSERT INTO t VALUES (1, 0)');
    const values = Array.from(
      { length: 1200 },
      (_, id) =>
        `('old', ${id}, 'serializer=globaltx-1&compress=none', '', 1, UTC_TIMESTAMP(6) - INTERVAL 25 HOUR, NOW(6))`,
    );
    await world.run(
      `INSERT INTO undo_log (xid, branch_id, context, rollback_info, log_status, log_created, log_modified) VALUES ${values.join(', ')}`,
      "UPDATE undo_log SET log_created = UTC_TIMESTAMP(6) - INTERVAL 25 HOUR WHERE xid <> 'old'",
    );
    const young = { xid: 'young', branchId: '1' };
    await resource.phaseTwo([phaseTwo(young, 'ROLLBACK')]);
    const sweeping = open(sessions, { intervalMs: 30 });
    try {
      for (let wait = 0; wait < 200 && (await undoRows()) > 2; wait += 1) await delay(20);
      assert.equal(await undoRows(), 2);
      assert.deepEqual(await world.undoRows(kept), [0]);
      assert.deepEqual(await world.undoRows(young), [1]);
    } finally {
      sweeping.close();
    }
  });

  it('logs that defence records could not be removed', async () => {
    const away = createSessionSource({ ...world.server.options(), port: await freePort() });
    const sweeping = open(away, { intervalMs: 10 });
    try {
      for (let wait = 0; wait < 200 && lines.length === 0; wait += 1) await delay(10);
      assert.equal(lines[0]?.message, 'could not remove old defence records');
    } finally {
      sweeping.close();
      away.close();
    }
  });
});
