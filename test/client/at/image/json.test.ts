import assert from 'node:assert/strict';
import { unwritable, valueLiteral } from '../../../../src/client/at/image/literal.js';
import { unrestorable } from '../../../../src/client/at/image/restorable.js';
import { GlobalTxError } from '../../../../src/protocol/errors.js';
import { type DatabaseServer, servers } from '../../../support/servers.js';
import { closeAll, openApplications, RawSession, RESTORING } from './session.js';

/** Documents whose text says all of them. */
const TEXTUAL = [
  `'[1, 2.5, "2020-01-01", null, {"a": [true, false, -1, 4294967295, 4294967296]}]'`,
  'JSON_OBJECT()',
  "JSON_ARRAY(1, 2e0, 'é😀')",
  "'5'",
  "'4294967295'",
  "'18446744073709551615'",
];

/** Documents with parts that come back from their text as something else. */
const TYPED = [
  'JSON_ARRAY(1.50)',
  'CAST(CAST(-1.5 AS DECIMAL(10,2)) AS JSON)',
  'JSON_ARRAY(0.05, -0.0, 99999999999999999999999999999999999.999999999999999999999999999999, CAST(0 AS DECIMAL(5)))',
  "JSON_OBJECT('a', JSON_ARRAY(CAST('2020-01-01' AS DATE), 'x'), 'é\"\\\\', 1.0)",
  "JSON_OBJECT('a', JSON_OBJECT('b', CAST('-838:59:59.5' AS TIME(6)), '10', JSON_ARRAY()), '9', JSON_OBJECT())",
  "JSON_ARRAY(TIMESTAMP'2020-01-01 00:00:00.123456', CAST('9999-12-31 23:59:59' AS DATETIME), 'text', NULL, TRUE)",
  "JSON_ARRAY(CAST(5 AS UNSIGNED), 5, CAST(-5 AS SIGNED), CAST(9007199254740993 AS SIGNED), '5', 5e0, -0e0)",
  "JSON_OBJECT('b', JSON_ARRAY(1.5, JSON_OBJECT('x', DATE'2020-01-01', 'y', JSON_ARRAY(2.0)), JSON_ARRAY(JSON_ARRAY(3.0))), " +
    "'aa', JSON_OBJECT('q', JSON_OBJECT('r', TIME'10:00:00')), 'c', 5)",
  "JSON_ARRAY(X'ff', FROM_BASE64(TO_BASE64(REPEAT('x', 200))), '{\"a\": [1.5, \"\\\\\\\\\"]}')",
];

describe('JSON of MySQL', () => {
  let server: DatabaseServer;
  let database: string;
  let session: RawSession;

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('json');
    session = await RawSession.open(server, database, RESTORING);
  });

  after(() => session.close());

  /** The types of all parts with their places, by a way that knows no order. */
  async function types(): Promise<readonly (string | null)[]> {
    const part = (path: string) =>
      `(SELECT JSON_ARRAYAGG(CONCAT(o, JSON_TYPE(v), v)) FROM JSON_TABLE(j, '${path}' COLUMNS (o FOR ORDINALITY, v JSON PATH '$')) AS x)`;
    return session.texts(
      `SELECT CONCAT_WS('|', JSON_TYPE(j), j, ${part('$**.*')}, ${part('$**[*]')}) FROM docs ORDER BY id`,
    );
  }

  it('is restored with the types of its parts, in any session', async () => {
    // MariaDB keeps the text of JSON, and nothing else.
    if (server.kind === 'mariadb') return;
    await session.query('CREATE TABLE docs (id INT PRIMARY KEY, j JSON)');
    const values = [...TEXTUAL, ...TYPED];
    await session.query(
      `INSERT INTO docs VALUES ${values.map((value, id) => `(${id}, ${value})`).join(',')}`,
    );
    const table = await session.table('docs');
    const column = table.columns[1];
    assert.ok(column);
    const images = await session.image(table, 'ORDER BY id FOR UPDATE');
    for (const [id, { row }] of images.entries()) {
      assert.equal(typeof row[1] === 'string', id < TEXTUAL.length, values[id]);
      assert.equal(unwritable(column, row[1] ?? null), undefined);
    }
    const applications = await openApplications(server, database);
    try {
      for (const [settings, application] of applications) {
        assert.deepEqual(await application.image(table, 'ORDER BY id'), images, settings);
      }
    } finally {
      await closeAll(applications);
    }
    const before = await types();
    await session.query('UPDATE docs SET j = NULL');
    for (const { row } of images) {
      const literal = valueLiteral(column, row[1] ?? null, server.kind);
      await session.query(`UPDATE docs SET j = ${literal} WHERE id = ${row[0]}`);
    }
    assert.deepEqual(await types(), before);
    assert.deepEqual(await session.image(table, 'ORDER BY id'), images);
  });

  it('with a part that no expression builds is refused before it would have to be written', async () => {
    if (server.kind === 'mariadb') return;
    await session.query('CREATE TABLE bytes (id INT PRIMARY KEY, b BLOB, j JSON)');
    await session.query("INSERT INTO bytes VALUES (1, X'ff', NULL)");
    await session.query("UPDATE bytes SET j = JSON_OBJECT('a', JSON_ARRAY(1.5, b))");
    const table = await session.table('bytes');
    const [image] = await session.image(table);
    const row = image?.row ?? [];
    const [id = null, b = null, value = null] = row;
    const column = table.columns[2];
    assert.ok(column);
    assert.match(
      unwritable(column, value) ?? '',
      /^JSON with bytes of a BLOB or BIT column inside, in column `j`$/,
    );
    assert.throws(
      () => valueLiteral(column, value, server.kind),
      (error) => error instanceof GlobalTxError && error.code === 'COMPENSATION_REFUSED',
    );
    assert.match(unrestorable(table, { before: row, after: null }) ?? '', /JSON/);
    assert.match(unrestorable(table, { before: row, after: [id, b, 'null'] }) ?? '', /JSON/);
    assert.equal(unrestorable(table, { before: row, after: [id, null, value] }), undefined);
    assert.equal(unrestorable(table, { before: null, after: row }), undefined);
  });
});
