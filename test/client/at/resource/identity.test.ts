import assert from 'node:assert/strict';
import { ensureUndoLog, readIdentity } from '../../../../src/client/at/resource/identity.js';
import { openRawSession, type RawSession } from '../../../../src/client/at/resource/raw-connection.js';
import { GlobalTxError } from '../../../../src/protocol/errors.js';
import { type DatabaseServer, servers, startServer } from '../../../support/servers.js';

/** The undo log of Seata's documentation, in its older form. */
const OLDER_SEATA = `CREATE TABLE undo_log (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  branch_id bigint(20) NOT NULL,
  xid varchar(100) NOT NULL,
  context varchar(128) NOT NULL,
  rollback_info longblob NOT NULL,
  log_status int(11) NOT NULL,
  log_created datetime NOT NULL,
  log_modified datetime NOT NULL,
  ext varchar(100) DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ux_undo_log (xid, branch_id)
) ENGINE=InnoDB AUTO_INCREMENT=1 DEFAULT CHARSET=utf8`;

const NEWER_SEATA = `CREATE TABLE IF NOT EXISTS undo_log (
  branch_id BIGINT NOT NULL COMMENT 'branch transaction id',
  xid VARCHAR(128) NOT NULL COMMENT 'global transaction id',
  context VARCHAR(128) NOT NULL COMMENT 'undo_log context,such as serialization',
  rollback_info LONGBLOB NOT NULL COMMENT 'rollback info',
  log_status INT(11) NOT NULL COMMENT '0:normal status,1:defense status',
  log_created DATETIME(6) NOT NULL COMMENT 'create datetime',
  log_modified DATETIME(6) NOT NULL COMMENT 'modify datetime',
  UNIQUE KEY ux_undo_log (xid, branch_id)
) ENGINE = InnoDB AUTO_INCREMENT = 1 DEFAULT CHARSET = utf8mb4 COMMENT ='AT transaction mode undo table'`;

describe('The identity of a database', () => {
  let server: DatabaseServer;
  let other: DatabaseServer;
  let database: string;
  let sessions: RawSession[];

  async function session(options = server.options(database)): Promise<RawSession> {
    const opened = await openRawSession(options);
    sessions.push(opened);
    return opened;
  }

  beforeEach(async () => {
    [server, other] = await servers();
    database = await server.createDatabase('identity');
    sessions = [];
  });

  afterEach(() => {
    for (const { destroy } of sessions) destroy();
  });

  it('is made on first need and stays the same', async () => {
    const { executor } = await session();
    assert.equal(await readIdentity(executor, database), undefined);
    const made = await ensureUndoLog(executor, database);
    assert.match(made.resourceId, /^[0-9a-f-]{36}$/);
    assert.equal(made.server, server.kind);
    assert.equal(made.undoLogAutoIncrement, false);
    assert.deepEqual(await ensureUndoLog(executor, database), made);
    const { resourceId, serverId } = made;
    assert.deepEqual(await readIdentity(executor, database), { resourceId, serverId, server: server.kind });
  });

  it('is one for all processes that make it at once', async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, () => session()));
    const made = await Promise.all(opened.map(({ executor }) => ensureUndoLog(executor, database)));
    assert.equal(new Set(made.map(({ resourceId }) => resourceId)).size, 1);
  });

  it('can be set by hand', async () => {
    const { executor } = await session();
    await ensureUndoLog(executor, database);
    await server.execute("UPDATE globaltx_resource SET value = 'shop' WHERE name = 'resource_id'", database);
    assert.equal((await readIdentity(executor, database))?.resourceId, 'shop');
  });

  it('tells two servers apart', async () => {
    const [one, two] = await Promise.all([
      session(),
      session(other.options(await other.createDatabase('identity'))),
    ]);
    const [first, second] = await Promise.all([
      ensureUndoLog(one.executor, database),
      two.executor
        .query('SELECT DATABASE()')
        .then(({ rows }) => ensureUndoLog(two.executor, String(rows[0]?.[0]))),
    ]);
    assert.notEqual(first.serverId, second.serverId);
    assert.notEqual(first.resourceId, second.resourceId);
  });

  it('names the same server after a restart', async () => {
    const own = await startServer({ flushLogAtCommit: 2 });
    try {
      const name = await own.createDatabase('identity');
      const first = await session(own.options(name));
      const before = await ensureUndoLog(first.executor, name);
      first.destroy();
      await own.kill();
      await own.start();
      const second = await session(own.options(name));
      assert.equal((await readIdentity(second.executor, name))?.serverId, before.serverId);
    } finally {
      await own.stop();
    }
  });

  it('takes an undo log that was made for Seata, and says whether it counts', async () => {
    const { executor } = await session();
    await server.execute(OLDER_SEATA, database);
    assert.equal((await ensureUndoLog(executor, database)).undoLogAutoIncrement, true);
    await server.execute(['DROP TABLE undo_log', NEWER_SEATA], database);
    assert.equal((await ensureUndoLog(executor, database)).undoLogAutoIncrement, false);
  });

  for (const [fault, change, message] of [
    ['a missing column', 'DROP COLUMN context', /it has no column context/],
    ['a column of another type', 'MODIFY rollback_info BLOB NOT NULL', /rollback_info is blob, not longblob/],
    ['a missing unique key', 'DROP KEY ux_undo_log', /no unique key ux_undo_log on \(xid, branch_id\)/],
    [
      'a prefix in its unique key',
      'DROP KEY ux_undo_log, ADD UNIQUE KEY ux_undo_log (xid(20), branch_id)',
      /no unique key/,
    ],
    ['a column that must be given', 'ADD COLUMN owner INT NOT NULL', /its column owner has no default/],
    ['another engine', 'ENGINE = MyISAM', /its engine is MyISAM, not InnoDB/],
  ] as const) {
    it(`refuses an undo log with ${fault}`, async () => {
      const { executor } = await session();
      await server.execute([NEWER_SEATA, `ALTER TABLE undo_log ${change}`], database);
      await assert.rejects(ensureUndoLog(executor, database), (error) => {
        assert.ok(error instanceof GlobalTxError && error.code === 'UNDO_LOG_MISSING');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('gives the statements to run where the account may not make tables', async () => {
    const user = `u${database.slice(-6)}`;
    await server.execute([
      `CREATE USER '${user}'@'%' IDENTIFIED BY 'secret'`,
      `CREATE USER '${user}'@'localhost' IDENTIFIED BY 'secret'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON \`${database}\`.* TO '${user}'@'%'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON \`${database}\`.* TO '${user}'@'localhost'`,
    ]);
    try {
      const { executor } = await session({ ...server.options(database), user, password: 'secret' });
      const error = await ensureUndoLog(executor, database).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof GlobalTxError && error.code === 'UNDO_LOG_MISSING');
      assert.match(error.message, /denied/);
      const { ddl } = error.details;
      assert.ok(ddl !== undefined && error.message.includes(ddl));
      await server.execute(ddl.split(';').filter((statement) => statement.trim() !== ''));
      assert.match((await ensureUndoLog(executor, database)).resourceId, /^[0-9a-f-]{36}$/);
    } finally {
      await server.execute([`DROP USER '${user}'@'%'`, `DROP USER '${user}'@'localhost'`]);
    }
  });
});
