import assert from 'node:assert/strict';
import { KEYS_PER_QUERY, keyCondition, keyIndexHint } from '../../../../src/client/at/image/key-condition.js';
import type { ImageRow } from '../../../../src/client/at/image/plan.js';
import { type DatabaseServer, servers } from '../../../support/servers.js';
import { APPLICATION_SETTINGS, closeAll, openApplications, RawSession, RESTORING } from './session.js';
import { installZone, ZONE } from './time-zone.js';
import { TYPES } from './types.js';

const SETTINGS = { ...APPLICATION_SETTINGS, 'a zone that changes its clocks': [`SET time_zone = '${ZONE}'`] };
const KEYS = TYPES.filter(({ type }) => !/TEXT|BLOB|JSON|GEOMETRY|POLYGON|VECTOR/.test(type));

function inOrder(images: readonly ImageRow[]): readonly ImageRow[] {
  return Array.from(images).sort((a, b) => (a.identity < b.identity ? -1 : 1));
}

describe('A condition on keys', () => {
  let server: DatabaseServer;
  let database: string;
  let session: RawSession;
  let applications: ReadonlyMap<string, RawSession>;

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('keys');
    await installZone(server);
    session = await RawSession.open(server, database, RESTORING);
    applications = await openApplications(server, database, SETTINGS);
  });

  after(async () => {
    await closeAll(applications);
    await session.close();
  });

  /** How the server finds the rows: 'const', 'range', ... and 'ALL' for reading the whole table. */
  async function access(by: RawSession, sql: string): Promise<string> {
    const { fields, rows } = await by.query(
      `EXPLAIN ${server.kind === 'mysql' ? 'FORMAT=TRADITIONAL ' : ''}${sql}`,
    );
    const place = fields.findIndex((field) => field.name === 'type');
    return rows.map((row) => row[place]?.toString() ?? 'none').join();
  }

  for (const { type, values, only } of KEYS) {
    it(`finds rows by a key of type ${type.slice(0, 50)}, alone and composite, in any session`, async () => {
      if (only !== undefined && only !== server.kind) return;
      const name = `t${TYPES.findIndex((each) => each.type === type)}`;
      const column = `v ${type.replace(' NULL', '')} NOT NULL`;
      for (const key of ['v', 'w, v']) {
        await session.query(`DROP TABLE IF EXISTS ${name}`);
        await session.query(
          `CREATE TABLE ${name} (${column}, w INT, x INT, PRIMARY KEY (${key})) DEFAULT CHARACTER SET utf8mb4`,
        );
        for (const [index, value] of values.entries()) {
          await session.query(`INSERT IGNORE INTO ${name} VALUES (${value}, ${index % 2}, 0)`);
        }
        const table = await session.table(name);
        const images = inOrder(await session.image(table));
        for (const [settings, application] of applications) {
          for (const image of images) {
            const condition = keyCondition(table, [image.row], server.kind, 't');
            assert.deepEqual(await application.find(table, condition), [image], `${settings}: ${condition}`);
          }
          const all = keyCondition(
            table,
            images.map(({ row }) => row),
            server.kind,
          );
          assert.deepEqual(inOrder(await application.find(table, all)), images, settings);
          const { affectedRows } = await application.query(`UPDATE ${name} SET x = x + 1 WHERE ${all}`);
          assert.equal(affectedRows, images.length, settings);
          await session.query(`UPDATE ${name} SET x = 0`);
          if (settings !== 'default settings') continue;
          // A 31st of February is found as a number, which no index serves.
          if (type.startsWith('DATE') && server.kind === 'mysql') continue;
          const how = await access(
            application,
            `SELECT * FROM ${name} ${keyIndexHint(table)} WHERE ${all} FOR UPDATE`,
          );
          assert.match(how, /^(const|range|ref|eq_ref)$/, all);
        }
      }
    });
  }

  it('tells the two times apart that a clock shows twice', async () => {
    await session.query('CREATE TABLE twice (at TIMESTAMP(3) NOT NULL PRIMARY KEY, n INT)');
    await session.query(
      "INSERT INTO twice VALUES ('2021-10-31 00:30:00.5', 1), ('2021-10-31 01:30:00.5', 2)",
    );
    const table = await session.table('twice');
    const images = await session.image(table, 'ORDER BY at');
    const application = await RawSession.open(server, database, [`SET time_zone = '${ZONE}'`]);
    try {
      const shown = await application.texts('SELECT at FROM twice');
      assert.deepEqual(shown, ['2021-10-31 02:30:00.500', '2021-10-31 02:30:00.500']);
      assert.deepEqual(await application.image(table, 'ORDER BY n'), images);
      for (const image of images) {
        assert.deepEqual(await application.find(table, keyCondition(table, [image.row], server.kind)), [
          image,
        ]);
      }
    } finally {
      await application.close();
    }
  });

  it('uses the index for as many keys as one query may have, and locks no other row', async () => {
    await session.query('CREATE TABLE many (a INT, b VARCHAR(20), c INT, PRIMARY KEY (a, b))');
    const rows = Array.from({ length: KEYS_PER_QUERY + 1 }, (_, index) => [String(index), `k${index}`]);
    await session.query(`INSERT INTO many VALUES ${rows.map(([a, b]) => `(${a}, '${b}', 0)`).join(',')}`);
    // With statistics of the empty table the other session's UPDATE might read all of it, and wait.
    await session.query('ANALYZE TABLE many');
    const table = await session.table('many');
    const condition = keyCondition(table, rows.slice(0, KEYS_PER_QUERY), server.kind);
    const query = `SELECT * FROM many ${keyIndexHint(table)} WHERE ${condition} FOR UPDATE`;
    assert.equal(await access(session, query), 'range');
    const other = await RawSession.open(server, database, ['SET innodb_lock_wait_timeout = 1']);
    await session.query('START TRANSACTION');
    try {
      assert.equal((await session.query(query)).rows.length, KEYS_PER_QUERY);
      await other.query(`UPDATE many SET b = 'free' WHERE a = ${KEYS_PER_QUERY}`);
    } finally {
      await session.query('ROLLBACK');
      await other.close();
    }
  });

  it('is never true for no rows', async () => {
    await session.query('CREATE TABLE nothing (a INT PRIMARY KEY)');
    assert.equal(keyCondition(await session.table('nothing'), [], server.kind), 'FALSE');
  });
});
