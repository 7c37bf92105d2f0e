import assert from 'node:assert/strict';
import { planImage, TableChanged } from '../../../../src/client/at/image/plan.js';
import { changedColumns, rowsEqual } from '../../../../src/client/at/image/row-equality.js';
import { GlobalTxError } from '../../../../src/protocol/errors.js';
import { type DatabaseServer, servers } from '../../../support/servers.js';
import { closeAll, openApplications, RawSession, RESTORING } from './session.js';

describe('The image of an odd table', () => {
  let server: DatabaseServer;
  let database: string;
  let session: RawSession;

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('odd');
    session = await RawSession.open(server, database, RESTORING);
  });

  after(() => session.close());

  it('has invisible and generated columns in their places, in any session', async () => {
    await session.query(
      'CREATE TABLE hidden (a INT PRIMARY KEY, b VARCHAR(10) INVISIBLE, c FLOAT INVISIBLE, ' +
        'd VARCHAR(20) GENERATED ALWAYS AS (CONCAT(b, a)) VIRTUAL, e VARCHAR(20) AS (UPPER(b)) STORED UNIQUE, ' +
        'f TIMESTAMP(3) NULL INVISIBLE) DEFAULT CHARACTER SET utf8mb4',
    );
    await session.query("INSERT INTO hidden (a, b, c, f) VALUES (1, 'é😀', 0.1, '2020-01-01 00:00:00')");
    const table = await session.table('hidden');
    assert.deepEqual(
      table.columns.map(({ name, invisible, generated }) => [name, invisible, generated]),
      [
        ['a', false, false],
        ['b', true, false],
        ['c', true, false],
        ['d', false, true],
        ['e', false, true],
        ['f', true, false],
      ],
    );
    const applications = await openApplications(server, database);
    try {
      for (const [settings, application] of applications) {
        const [image] = await application.image(table);
        assert.deepEqual(
          image?.row,
          ['1', 'é😀', '0.10000000149011612', 'é😀1', 'É😀', '2020-01-01 00:00:00.000'],
          settings,
        );
        assert.equal(image?.uniques.length, 1);
      }
    } finally {
      await closeAll(applications);
    }
  });

  it('is refused in a session whose results are not ASCII', async () => {
    await session.query('CREATE TABLE wide (a INT PRIMARY KEY)');
    await session.query('INSERT INTO wide VALUES (1)');
    const table = await session.table('wide');
    const application = await RawSession.open(server, database, ['SET character_set_results = utf16']);
    try {
      await assert.rejects(
        application.image(table),
        (error) => error instanceof GlobalTxError && error.construct === 'character_set_results = utf16',
      );
    } finally {
      await application.close();
    }
  });

  for (const [what, alter] of [
    ['a column added', 'ADD COLUMN d INT'],
    ['a column dropped', 'DROP COLUMN c'],
    ['a column renamed', 'RENAME COLUMN c TO d'],
    ['two columns swapped', 'MODIFY COLUMN c INT AFTER id'],
    ['another type', 'MODIFY COLUMN b BIGINT'],
    ['another sign', 'MODIFY COLUMN b INT UNSIGNED'],
    ['NOT NULL', 'MODIFY COLUMN b INT NOT NULL'],
    ['another character set', 'MODIFY COLUMN t VARCHAR(10) CHARACTER SET latin1'],
    ['another collation', 'MODIFY COLUMN t VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'],
    ['another scale', 'MODIFY COLUMN n DECIMAL(10, 3)'],
    ['another precision of time', 'MODIFY COLUMN at DATETIME(3)'],
  ] as const) {
    it(`is not taken from a table that was altered since: ${what}`, async () => {
      await session.query('DROP TABLE IF EXISTS altered');
      await session.query(
        'CREATE TABLE altered (id INT PRIMARY KEY, b INT, c INT, n DECIMAL(10, 2), at DATETIME(0), ' +
          't VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci)',
      );
      await session.query("INSERT INTO altered VALUES (1, 1, 1, 1, '2020-01-01', 'a')");
      const table = await session.table('altered');
      const plan = planImage(table);
      const before = await session.image(table, '', plan);
      await session.query(`ALTER TABLE altered ${alter}`);
      await assert.rejects(session.image(table, '', plan), TableChanged);
      const now = await session.table('altered');
      const after = await session.image(now);
      assert.equal(after[0]?.identity, before[0]?.identity);
    });
  }

  it('is read alike with and without a sort', async () => {
    await session.query(
      'CREATE TABLE sorted (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, u VARCHAR(200) UNIQUE, t TEXT, b BLOB, ' +
        "e ENUM('a'), at TIMESTAMP NULL, d DECIMAL(5, 2), k INT, KEY (k)) DEFAULT CHARACTER SET utf8mb4",
    );
    await session.query(
      "INSERT INTO sorted (u, t, b, e, k) VALUES ('a', 'a', 'a', 'a', 1), ('b', NULL, NULL, NULL, 2)",
    );
    const table = await session.table('sorted');
    const plan = planImage(table);
    const plain = await session.image(table, 'ORDER BY id', plan);
    for (const rest of ['WHERE id = 999', "WHERE u = 'nobody'", 'WHERE FALSE', 'WHERE id = 1 FOR UPDATE']) {
      await session.image(table, rest, plan);
    }
    for (const rest of [
      'ORDER BY RAND(), t',
      'ORDER BY CONCAT(t, u), k LIMIT 2 FOR UPDATE',
      'WHERE k > 0 ORDER BY k',
    ]) {
      const rows = await session.image(table, rest, plan);
      assert.deepEqual(
        Array.from(rows).sort((a, b) => (a.identity < b.identity ? -1 : 1)),
        plain,
      );
    }
  });
});

describe('Two rows', () => {
  it('are equal when every value is, and differ in the columns that are not', () => {
    const row = ['1', Buffer.from('ff', 'hex'), null];
    assert.equal(rowsEqual(row, ['1', Buffer.from('ff', 'hex'), null]), true);
    assert.equal(rowsEqual(row, ['1', 'ÿ', null]), false);
    assert.deepEqual(changedColumns(row, ['1', Buffer.from('fe', 'hex'), '']), [1, 2]);
    assert.deepEqual(changedColumns(row, row), []);
  });
});
