import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { CompensationTables } from '../../../../src/client/at/resource/compensation-tables.js';
import { checkTable, refuseUpdateCascades } from '../../../../src/client/at/table/check.js';
import type { TableDefinition } from '../../../../src/client/at/table/definition.js';
import { loadTable } from '../../../../src/client/at/table/load.js';
import { GlobalTxError } from '../../../../src/protocol/errors.js';
import { type DatabaseServer, servers } from '../../../support/servers.js';
import { closeAll, openApplications, RawSession } from '../image/session.js';

describe('The definition of a table', () => {
  let server: DatabaseServer;
  let database: string;
  let session: RawSession;

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('tables');
    session = await RawSession.open(server, database, ["SET sql_mode = ''"]);
  });

  after(() => session.close());

  async function create(name: string, ddl: string): Promise<TableDefinition> {
    await session.query(`CREATE TABLE ${name} ${ddl}`);
    return session.table(name);
  }

  async function refusal(load: Promise<unknown>): Promise<string> {
    try {
      await load;
    } catch (error) {
      assert.ok(error instanceof GlobalTxError);
      assert.equal(error.code, 'TABLE_UNSUPPORTED');
      return error.construct ?? '';
    }
    throw new assert.AssertionError({ message: 'The table was not refused.' });
  }

  function checked(...parameters: Parameters<typeof checkTable>): string {
    try {
      checkTable(...parameters);
    } catch (error) {
      assert.ok(error instanceof GlobalTxError);
      assert.equal(error.code, 'TABLE_UNSUPPORTED');
      return error.construct ?? '';
    }
    return 'allowed';
  }

  it('has its columns with all that decides how they are read and written', async () => {
    const { columns } = await create(
      'everything',
      "(id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, `a``b é` VARCHAR(5) CHARACTER SET latin1 NOT NULL DEFAULT 'x', " +
        'at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, b VARBINARY(3), ' +
        'twice INT AS (n * 2), n DECIMAL(5, 2) DEFAULT 1.5)',
    );
    assert.deepEqual(
      columns.map((column) => [
        column.name,
        column.dataType,
        column.nullable,
        column.charset,
        column.spaceWeights,
        column.autoIncrement,
        column.generated,
        column.updatesItself,
        column.constantDefault,
      ]),
      [
        ['id', 'int', false, null, null, true, false, false, false],
        ['a`b é', 'varchar', false, 'latin1', ['20'], false, false, false, true],
        ['at', 'timestamp', true, null, null, false, false, true, false],
        ['b', 'varbinary', true, null, null, false, false, false, false],
        ['twice', 'int', true, null, null, false, true, false, false],
        ['n', 'decimal', true, null, null, false, false, false, true],
      ],
    );
  });

  it('is the same in any session', async () => {
    await create(
      'kommode_é',
      '(schlüssel VARCHAR(9), `名前` VARCHAR(9), PRIMARY KEY (schlüssel), UNIQUE `ключ` (`名前`)) DEFAULT CHARSET utf8mb4',
    );
    const table = await session.table('kommode_é');
    assert.deepEqual(table.key.columns, ['schlüssel']);
    assert.equal(table.uniques[0]?.name, 'ключ');
    const applications = await openApplications(server, database);
    try {
      for (const [settings, application] of applications) {
        // The name itself travels in the session's own character set; only the catalogue's answers are looked at.
        if (settings.startsWith('SET NAMES')) continue;
        assert.deepEqual(await application.table('kommode_é'), table, settings);
      }
    } finally {
      await closeAll(applications);
    }
  });

  it('names rows by the primary key, or by a unique index without NULL', async () => {
    const primary = await create(
      'primary_key',
      '(a INT, b INT UNIQUE, c INT NOT NULL UNIQUE, PRIMARY KEY (c, a))',
    );
    assert.deepEqual(primary.key, {
      name: 'PRIMARY',
      columns: ['c', 'a'],
      prefixes: [null, null],
      nullable: false,
    });
    assert.deepEqual(
      primary.uniques.map(({ name, nullable }) => [name, nullable]),
      [
        ['b', true],
        ['c', false],
      ],
    );
    const unique = await create(
      'unique_key',
      '(n INT UNIQUE, p VARCHAR(99) NOT NULL, a INT NOT NULL, b INT NOT NULL, ' +
        'UNIQUE a_prefix (p(3)), UNIQUE b_whole (b, a), UNIQUE c_whole (a))',
    );
    assert.equal(unique.key.name, 'b_whole');
    assert.deepEqual(
      unique.uniques.map(({ name, prefixes }) => [name, prefixes]),
      [
        ['a_prefix', [3]],
        ['c_whole', [null]],
        ['n', [null]],
      ],
    );
  });

  it('does not take an index for the key that the server does not search', async () => {
    const ddl = '(a INT NOT NULL, b INT NOT NULL, UNIQUE second (a), UNIQUE first (b))';
    assert.equal((await create('unsearched', ddl)).key.name, 'first');
    await session.query(
      `ALTER TABLE unsearched ALTER INDEX first ${server.kind === 'mysql' ? 'INVISIBLE' : 'IGNORED'}`,
    );
    const table = await session.table('unsearched');
    assert.equal(table.key.name, 'second');
    assert.equal(table.uniques[0]?.name, 'first');
  });

  it('is found whatever the case of its name, exactly where the server finds it so', async () => {
    await create('CamelCase', '(id INT PRIMARY KEY)');
    const [folding] = await session.texts('SELECT @@lower_case_table_names');
    const other = await loadTable(session, database, 'CAMELCASE');
    assert.equal(other?.name, folding === '0' ? undefined : 'camelcase');
  });

  it('is undefined where there is no such table', async () => {
    assert.equal(await loadTable(session, database, 'nowhere'), undefined);
    assert.equal(await loadTable(session, `${database}_no`, 'nowhere'), undefined);
  });

  it('is refused for what cannot be rolled back, which is named', async () => {
    await session.query('CREATE TABLE keyless (a INT UNIQUE, b VARCHAR(9) NOT NULL, UNIQUE (b(2)))');
    assert.match(await refusal(session.table('keyless')), /`keyless`: no primary key/);
    await session.query('CREATE TABLE isam (a INT PRIMARY KEY) ENGINE = MyISAM');
    assert.match(await refusal(session.table('isam')), /engine MyISAM/);
    await session.query('CREATE VIEW seen AS SELECT 1 AS a');
    assert.match(await refusal(session.table('seen')), /view/);
    assert.match(await refusal(loadTable(session, 'mysql', 'user')), /system schema/);
    assert.match(await refusal(loadTable(session, 'PERFORMANCE_SCHEMA', 'threads')), /system schema/);
    await create('shadowed', '(a INT PRIMARY KEY)');
    await session.query('CREATE TEMPORARY TABLE shadowed (a INT PRIMARY KEY)');
    assert.match(await refusal(session.table('shadowed')), /temporary table/);
    await session.query('DROP TEMPORARY TABLE shadowed');
    assert.equal((await session.table('shadowed')).name, 'shadowed');
  });

  it('is refused for tables of MariaDB that keep a history, and for sequences', async () => {
    if (server.kind === 'mysql') return;
    await session.query('CREATE TABLE versioned (a INT PRIMARY KEY) WITH SYSTEM VERSIONING');
    assert.match(await refusal(session.table('versioned')), /system-versioned/);
    await session.query('CREATE SEQUENCE counter');
    assert.match(await refusal(session.table('counter')), /sequence/);
  });

  it('is refused where an index of MariaDB keeps apart what its conditions call equal', async () => {
    if (server.kind === 'mysql') return;
    const text = 'CHARACTER SET utf8mb4 COLLATE';
    await session.query(`CREATE TABLE nopad (k CHAR(5) ${text} utf8mb4_unicode_520_nopad_ci PRIMARY KEY)`);
    assert.match(await refusal(session.table('nopad')), /CHAR column `k` in collation/);
    await session.query(
      `CREATE TABLE padded (k CHAR(5) ${text} utf8mb4_nopad_bin PRIMARY KEY, v CHAR(5) ${text} utf8mb4_unicode_nopad_ci)`,
    );
    assert.equal((await session.table('padded')).name, 'padded');
  });

  it('refuses every change of a table with a trigger, and names it', async () => {
    await create('triggered', '(a INT PRIMARY KEY)');
    await session.query('CREATE TRIGGER watch AFTER DELETE ON triggered FOR EACH ROW SET @gone = 1');
    const table = await session.table('triggered');
    for (const verb of ['insert', 'update', 'delete'] as const)
      assert.match(checked(table, verb), /trigger `watch`/);
  });

  it('refuses an update that would cascade only where it is not followed', async () => {
    await create('parent', '(id INT PRIMARY KEY, code INT, n INT, UNIQUE (code))');
    await create(
      'child',
      '(id INT PRIMARY KEY, parent INT, code INT, CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES parent (id) ' +
        'ON DELETE CASCADE, CONSTRAINT of_code FOREIGN KEY (code) REFERENCES parent (code) ON UPDATE SET NULL)',
    );
    const child = await session.table('child');
    assert.deepEqual(
      child.parents.map(({ name, columns, parentSchema, parentTable, parentColumns }) => [
        name,
        columns,
        parentSchema === database,
        parentTable,
        parentColumns,
      ]),
      [
        ['of_code', ['code'], true, 'parent', ['code']],
        ['of_parent', ['parent'], true, 'parent', ['id']],
      ],
    );
    assert.equal(checked(child, 'delete'), 'allowed');
    const parent = await session.table('parent');
    assert.equal(checked(parent, 'delete'), 'allowed', 'a deletion that spreads is followed');
    assert.equal(checked(parent, 'update'), 'allowed', 'an update that spreads is followed');
    assert.throws(
      () => refuseUpdateCascades(parent, ['n', 'CODE']),
      /`of_code` of .*child ON UPDATE SET NULL/,
      'where it is not followed',
    );
    assert.doesNotThrow(() => refuseUpdateCascades(parent, ['n', 'id']));
    assert.equal(checked(parent, 'insert'), 'allowed');
  });

  it('refuses a unique index over an expression', async () => {
    if (server.kind === 'mariadb') return;
    const table = await create('functional', '(a INT PRIMARY KEY, b INT, UNIQUE positive ((ABS(b))))');
    assert.deepEqual(table.uniques, []);
    assert.match(checked(table, 'insert'), /`positive` over an expression/);
  });

  it('does not wait behind an ALTER TABLE, which may wait for the local transaction that asks for it', async () => {
    const before = await create('held', '(id INT PRIMARY KEY, n INT)');
    const [holder, altering] = await Promise.all([
      RawSession.open(server, database),
      RawSession.open(server, database),
    ]);
    try {
      await holder.query('START TRANSACTION');
      await holder.query('SELECT * FROM held');
      const altered = altering.query('ALTER TABLE held ADD COLUMN more INT');
      await waits(session, 'ALTER TABLE held');
      const loaded = await Promise.race([session.table('held'), pause(5_000)]);
      assert.deepEqual(loaded, before);
      await holder.query('COMMIT');
      await altered;
    } finally {
      await Promise.all([holder.close(), altering.close()]);
    }
  }).timeout(20_000);

  it('stays true until the rollback is over that has read it anew', async () => {
    await create('kept', '(id INT PRIMARY KEY, n INT)');
    const [holder, altering] = await Promise.all([
      RawSession.open(server, database),
      RawSession.open(server, database),
    ]);
    try {
      await holder.query('START TRANSACTION');
      const table = await new CompensationTables().table(holder, database, 'kept', true);
      assert.equal(table?.columns.length, 2);
      const altered = altering.query('ALTER TABLE kept ADD COLUMN more INT');
      await waits(session, 'ALTER TABLE kept');
      await holder.query('COMMIT');
      await altered;
    } finally {
      await Promise.all([holder.close(), altering.close()]);
    }
  }).timeout(20_000);
});

/** Resolves once a statement waits for a table that somebody else uses. */
async function waits(session: RawSession, text: string): Promise<void> {
  for (;;) {
    const { rows } = await session.query(
      `SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table metadata lock' AND INFO LIKE '${text}%'`,
    );
    if (rows.length > 0) return;
    await pause(20);
  }
}
