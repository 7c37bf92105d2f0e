import assert from 'node:assert/strict';
import { connect as connectNet } from 'node:net';
import { Readable } from 'node:stream';
import type { ConnectionOptions, TypeCast } from 'mysql2';
import type { Connection, QueryOptions, RowDataPacket } from 'mysql2/promise';
import { type Driver, ITEM, itSeesTheSame, OURS, PLAIN, type Scenario, type Tell } from './driver-ways.js';
import { makeWorld, type World } from './world.js';

/** What an application of promises does on one connection that is made with further options. */
function connected(
  more: ConnectionOptions,
  use: (connection: Connection, tell: Tell, driver: Driver) => Promise<void>,
): Scenario {
  return async (driver, options, tell) => {
    const connection = await driver.promises.createConnection({ ...options, ...more });
    try {
      await use(connection, tell, driver);
    } finally {
      await connection.end();
    }
  };
}

/** Of a row with NULLs, mysql2 gives bytes of the next packet to a typeCast of execute. */
const LOCKING_FULL = 'SELECT id, name FROM item WHERE name IS NOT NULL ORDER BY id FOR UPDATE';

const LOCKING = 'SELECT id, name, price FROM item ORDER BY id FOR UPDATE';

/** Writes, locking reads and plain reads, by both protocols. */
async function everyKind(connection: Connection, tell: Tell, how: Partial<QueryOptions>): Promise<void> {
  tell(
    await connection.query({
      ...how,
      sql: "INSERT INTO item (name, big, at) VALUES ('x', 9007199254740993, '2024-02-29 12:30:00')",
    }),
  );
  tell((await connection.query({ ...how, sql: LOCKING }))[0]);
  tell((await connection.execute({ ...how, sql: LOCKING }))[0]);
  tell(
    (await connection.query({ ...how, sql: 'SELECT big, at FROM item WHERE big IS NOT NULL FOR UPDATE' }))[0],
  );
  tell(
    (
      await connection.execute({ ...how, sql: 'SELECT big, at FROM item WHERE big IS NOT NULL FOR UPDATE' })
    )[0],
  );
  tell((await connection.query({ ...how, sql: 'SELECT * FROM item' }))[0]);
}

describe('the options of mysql2 do in globaltx/mysql2 what they do in mysql2:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: [ITEM] });
  });

  after(() => world.close());

  itSeesTheSame(() => world, {
    'none at all': connected({}, (connection, tell) => everyKind(connection, tell, {})),
    'rowsAsArray, of the connection': connected({ rowsAsArray: true }, (connection, tell) =>
      everyKind(connection, tell, {}),
    ),
    'rowsAsArray, of a query': connected({}, (connection, tell) =>
      everyKind(connection, tell, { rowsAsArray: true }),
    ),
    'nestTables, by true': connected({ nestTables: true }, (connection, tell) =>
      everyKind(connection, tell, {}),
    ),
    'nestTables, by a separator': connected({}, (connection, tell) =>
      everyKind(connection, tell, { nestTables: '_' }),
    ),
    'typeCast, off': connected({ typeCast: false }, async (connection, tell) => {
      tell((await connection.query(LOCKING))[0]);
      tell((await connection.execute(LOCKING_FULL))[0]);
    }),
    'typeCast, by a function': connected(
      {
        typeCast: (field, next) => (field.type === 'VAR_STRING' ? `<${field.string()}>` : next()),
      },
      (connection, tell) => everyKind(connection, tell, {}),
    ),
    'typeCast, by a function of a query': connected({}, async (connection, tell) => {
      const typeCast: TypeCast = (field) => `${field.string()}!`;
      tell((await connection.query({ sql: LOCKING, typeCast }))[0]);
      tell((await connection.execute({ sql: LOCKING_FULL, typeCast }))[0]);
    }),
    dateStrings: connected({ dateStrings: true }, (connection, tell) => everyKind(connection, tell, {})),
    timezone: connected({ timezone: '+05:30' }, async (connection, tell) => {
      const at = new Date('2024-02-29T12:30:00Z');
      tell(await connection.query('UPDATE item SET at = ? WHERE id = 1', [at]));
      tell(await connection.execute('UPDATE item SET at = ? WHERE id = 2', [at]));
      tell((await connection.query('SELECT id FROM item WHERE at = ? FOR UPDATE', [at]))[0]);
      tell((await connection.execute('DELETE FROM item WHERE at = ?', [at]))[0]);
    }),
    'supportBigNumbers and bigNumberStrings': connected(
      { supportBigNumbers: true, bigNumberStrings: true },
      (connection, tell) => everyKind(connection, tell, {}),
    ),
    decimalNumbers: connected({ decimalNumbers: true }, (connection, tell) =>
      everyKind(connection, tell, {}),
    ),
    jsonStrings: connected({ jsonStrings: true }, async (connection, tell) => {
      tell(
        await connection.query('UPDATE item SET data = ? WHERE id = 1', [JSON.stringify({ a: [1, null] })]),
      );
      tell((await connection.query('SELECT data FROM item FOR UPDATE'))[0]);
    }),
    namedPlaceholders: connected({ namedPlaceholders: true }, async (connection, tell) => {
      tell(await connection.query('UPDATE item SET name = :name WHERE id = :id', { id: 1, name: 'n' }));
      tell(await connection.execute('UPDATE item SET name = :name WHERE id = :id', { id: 2, name: 'm' }));
      tell(await connection.execute('UPDATE item SET name = ? WHERE id = ?', ['q', 3]));
      tell((await connection.execute(`${LOCKING.replace('ORDER', 'WHERE id < :id ORDER')}`, { id: 3 }))[0]);
    }),
    'objects, lists and identifiers as values of query': connected({}, async (connection, tell) => {
      tell(await connection.query('INSERT INTO item SET ?', [{ name: 'set', price: 1 }]));
      tell(await connection.query('UPDATE ?? SET ? WHERE id IN (?)', ['item', { name: 'l' }, [1, 2]]));
      tell(
        await connection.query('INSERT INTO item (name, price) VALUES ?', [
          [
            ['v', 1],
            ['w', 2],
          ],
        ]),
      );
      tell((await connection.query('SELECT ?? FROM item FOR UPDATE', [['id', 'name']]))[0]);
    }),
    stringifyObjects: connected({ stringifyObjects: true }, async (connection, tell) => {
      tell(await connection.query('UPDATE item SET name = ? WHERE id = 1', [{ toString: () => 'text' }]));
    }),
    queryFormat: connected(
      {
        queryFormat: (sql: string, values: unknown) =>
          sql.replace('{name}', `'${values}'`) as unknown as undefined,
      },
      async (connection, tell) => {
        tell(await connection.query('UPDATE item SET name = {name}', 'formatted'));
        tell((await connection.query(LOCKING))[0]);
      },
    ),
    'values of every JavaScript type, bound by execute': connected({}, async (connection, tell) => {
      for (const value of ['text', 5, 1.5, true, null, 12n, Buffer.from('bytes'), new Date(0)]) {
        tell(await connection.execute('UPDATE item SET name = ? WHERE id = 1', [value as string]));
        tell((await connection.query(LOCKING))[0]);
      }
      tell(await connection.execute('UPDATE item SET data = ? WHERE id = 1', [{ a: 1 }]));
      tell((await connection.query('SELECT data FROM item FOR UPDATE'))[0]);
    }),
    'typed parameters of execute': connected({}, async (connection, tell, { promises }) => {
      const { TypedParameter } = promises;
      const update = 'UPDATE item SET price = ?, name = ?, big = ? WHERE id = ?';
      const values = [
        TypedParameter.DECIMAL('3.10'),
        TypedParameter.VARCHAR('typed'),
        TypedParameter.BIGINT('9007199254740993'),
      ];
      tell(await connection.execute(update, [...values, TypedParameter.INT(1)]));
      tell(
        (await connection.execute('SELECT id FROM item WHERE id = ? FOR UPDATE', [TypedParameter.INT(1)]))[0],
      );
      tell((await connection.query('SELECT price, name, big FROM item WHERE id = 1'))[0]);
    }),
    'values that execute does not take': connected({}, async (connection, tell) => {
      for (const values of [[undefined], [() => 1], { id: 1 }]) {
        tell(
          await connection
            .execute('DELETE FROM item WHERE id = ?', values as never)
            .catch(({ message }) => message),
        );
      }
    }),
    'several statements of reading in one text': connected(
      { multipleStatements: true },
      async (connection, tell) => {
        tell((await connection.query('SELECT 1 AS a; SELECT 2 AS b'))[0]);
      },
    ),
    disableEval: connected({ disableEval: true }, (connection, tell) => everyKind(connection, tell, {})),
    compress: connected({ compress: true }, (connection, tell) => everyKind(connection, tell, {})),
    charset: connected({ charset: 'latin1' }, async (connection, tell) => {
      tell(await connection.query("UPDATE item SET name = 'größe' WHERE id = 1"));
      tell(await connection.execute('UPDATE item SET name = ? WHERE id = 2', ['größe']));
      tell((await connection.query(LOCKING))[0]);
    }),
    'the properties of an error, of both protocols': connected({}, async (connection, tell) => {
      for (const sql of [
        'INSERT INTO item (id) VALUES (1)',
        'UPDATE item SET id = 2 WHERE id = 1',
        "UPDATE item SET price = 'no number' WHERE id = 1",
        'UPDATE item SET nothing = 1',
        'DELETE FROM nowhere',
        'SELECT id FROM nowhere FOR UPDATE',
      ]) {
        tell(await connection.query(sql).catch((error) => error));
        tell(await connection.execute(sql).catch((error) => error));
      }
    }),
    'changeUser, reset and ping': connected({}, async (connection, tell) => {
      tell(await connection.execute('UPDATE item SET name = ? WHERE id = 1', ['before']));
      const { user, database } = connection.config;
      tell(await connection.changeUser({ user: user as string, database: database as string }));
      tell(await connection.execute('UPDATE item SET name = ? WHERE id = 1', ['after']));
      tell(await connection.reset());
      tell(await connection.execute('UPDATE item SET name = ? WHERE id = 1', ['after reset']));
      tell(await connection.ping());
      tell((await connection.query(LOCKING))[0]);
    }),
    'ssl, where the server has it': async ({ promises }, options, tell) => {
      const over = await promises
        .createConnection({ ...options, ssl: { rejectUnauthorized: false } })
        .catch((error: { code: string }) => error.code);
      if (typeof over === 'string') return tell(over);
      const [status] = await over.query<RowDataPacket[]>("SHOW STATUS LIKE 'Ssl_cipher'");
      tell(status[0]?.Value !== '', (await over.query("UPDATE item SET name = 'safe' WHERE id = 1"))[0]);
      await over.end();
    },
    'a stream made by a function': async ({ promises }, { host: _, port, ...options }, tell) => {
      const stream = () => connectNet(port as number, '127.0.0.1');
      const pool = promises.createPool({ ...options, stream });
      tell((await pool.query("UPDATE item SET name = 'streamed' WHERE id = 1"))[0]);
      await pool.end();
    },
    'escape, escapeId, format and raw': connected({}, async (connection, tell, { promises, callbacks }) => {
      tell(connection.escape("it's"), connection.escapeId('a.b'), connection.format('? ??', [1, 'c']));
      for (const driver of [promises, callbacks]) {
        tell(driver.escape([1, 'x']), driver.escapeId('a'), driver.format('?', [driver.raw('NOW()')]));
      }
    }),
  });

  it('a stream that is an object leads to one connection, so it is refused inside a global transaction', async () => {
    const { host: _, port, ...options } = world.first.server.options(world.first.name);
    const connection = await OURS.promises.createConnection({
      ...options,
      stream: connectNet(port as number, '127.0.0.1'),
    });
    await connection.query("UPDATE item SET name = 'outside' WHERE id = 1");
    await assert.rejects(
      world.gtx.run(() => connection.query("UPDATE item SET name = 'inside' WHERE id = 1")),
      { code: 'INVALID_OPTION' },
    );
    const [rows] = await connection.query('SELECT name FROM item WHERE id = 1');
    assert.deepEqual(rows, [{ name: 'outside' }]);
    await connection.end();
  });

  it('infileStreamFactory feeds LOAD DATA LOCAL, which is refused inside a global transaction', async () => {
    const load = "LOAD DATA LOCAL INFILE 'anything' INTO TABLE item FIELDS TERMINATED BY ',' (id, name)";
    const given = {
      ...world.first.server.options(world.first.name),
      infileStreamFactory: () => Readable.from([Buffer.from('90,ninety\n')]),
    };
    const answers: unknown[] = [];
    for (const { promises } of [PLAIN, OURS]) {
      await world.first.execute('DELETE FROM item');
      const connection = await promises.createConnection(given);
      // Where local_infile is off, the server's error is the answer.
      answers.push(
        await connection.query(load).then(
          ([header]) => header,
          ({ code }) => code,
        ),
      );
      await connection.end();
    }
    assert.deepEqual(answers[1], answers[0]);
    const pool = OURS.promises.createPool(given);
    await assert.rejects(
      world.gtx.run(() => pool.query(load)),
      { code: 'STATEMENT_UNSUPPORTED' },
    );
    await pool.end();
  });
});
