import assert from 'node:assert/strict';
import { valueLiteral } from '../../../../src/client/at/image/literal.js';
import { type DatabaseServer, servers } from '../../../support/servers.js';
import { closeAll, openApplications, RawSession, RESTORING } from './session.js';
import { TYPES } from './types.js';

/** What the binary protocol says of the values: another way than the image's, to check it by. */
async function binaryRows(session: RawSession, table: string): Promise<string> {
  const [rows] = await session.connection.execute({
    sql: `SELECT id, HEX(v), v FROM ${table} ORDER BY id`,
    rowsAsArray: true,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  return JSON.stringify(rows, (_key, value) => (Object.is(value, -0) ? '-0' : value));
}

describe('An image of a row', () => {
  let server: DatabaseServer;
  let database: string;
  let restoring: RawSession;
  let applications: ReadonlyMap<string, RawSession>;

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('image');
    restoring = await RawSession.open(server, database, RESTORING);
    applications = await openApplications(server, database);
  });

  after(async () => {
    await closeAll(applications);
    await restoring.close();
  });

  for (const { type, values, only } of TYPES) {
    it(`holds every value of ${type.slice(0, 50)} exactly, in any session, and writes it back`, async () => {
      if (only !== undefined && only !== server.kind) return;
      const name = `t${TYPES.findIndex((each) => each.type === type)}`;
      await restoring.query(
        `CREATE TABLE ${name} (id INT PRIMARY KEY, v ${type}) DEFAULT CHARACTER SET utf8mb4`,
      );
      const rows = [...values, 'NULL'].map((value, index) => `(${index}, ${value})`);
      await restoring.query(`INSERT INTO ${name} VALUES ${rows.join(',')}`);
      const table = await restoring.table(name);
      const column = table.columns[1];
      assert.ok(column);
      const image = await restoring.image(table, 'ORDER BY id');
      assert.equal(image.length, values.length + 1);
      for (const [settings, session] of applications) {
        assert.deepEqual(await session.image(table, 'ORDER BY id'), image, settings);
      }
      const before = [await binaryRows(restoring, name), await server.dump(database)];
      await restoring.query(`UPDATE ${name} SET v = NULL`);
      for (const { row } of image.slice(1)) {
        await restoring.query(
          `UPDATE ${name} SET v = ${valueLiteral(column, row[1] ?? null, server.kind)} WHERE id = ${row[0]}`,
        );
      }
      await restoring.query(`DELETE FROM ${name} WHERE id = 0`);
      const first = image[0]?.row[1] ?? null;
      await restoring.query(
        `INSERT INTO ${name} (id, v) VALUES (0, ${valueLiteral(column, first, server.kind)})`,
      );
      assert.deepEqual([await binaryRows(restoring, name), await server.dump(database)], before);
      assert.deepEqual(await restoring.image(table, 'ORDER BY id'), image);
      await restoring.query(`DROP TABLE ${name}`);
    });
  }
});
