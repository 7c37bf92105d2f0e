import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Connection, ConnectionOptions, Query } from 'mysql2';
import { type Driver, ITEM, itSeesTheSame, type Tell } from './driver-ways.js';
import { makeWorld, type World } from './world.js';

/** Ends with the connection's end, whatever was asked of it before. */
async function onConnection(
  { callbacks }: Driver,
  options: ConnectionOptions,
  use: (connection: Connection) => void | Promise<void>,
): Promise<void> {
  const connection = callbacks.createConnection(options);
  try {
    await use(connection);
  } finally {
    await new Promise<void>((resolve, reject) =>
      connection.end((error) => (error ? reject(error) : resolve())),
    );
  }
}

function tellEvents(query: Query, tell: Tell, what: string): Promise<unknown> {
  query.on('fields', (fields) => tell(what, 'fields', names(fields)));
  query.on('result', (row, index) => tell(what, 'result', row, index));
  query.on('error', (error) => tell(what, 'error', error));
  return new Promise((resolve) => {
    query.on('end', () => resolve(tell(what, 'end')));
  });
}

const names = (fields: unknown) => (fields as { name: string }[] | undefined)?.map(({ name }) => name);

describe('an application of callbacks sees of globaltx/mysql2 what it sees of mysql2:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: [ITEM] });
  });

  after(() => world.close());

  itSeesTheSame(() => world, {
    'rows, fields and headers handed to the callback of query': (driver, options, tell) =>
      onConnection(driver, options, (connection) => {
        const told = (error: unknown, rows: unknown, fields: unknown) => tell(error, rows, names(fields));
        connection.query("INSERT INTO item (name) VALUES ('a'), ('b')", told);
        connection.query('UPDATE item SET name = ? WHERE id > ?', ['c', 1], told);
        connection.query({ sql: 'UPDATE item SET price = price + 1' }, told);
        connection.query('DELETE FROM item WHERE id = ?', 2, told);
        connection.query('SELECT id, name FROM item ORDER BY id FOR UPDATE', told);
        connection.query('SELECT id, name, price FROM item ORDER BY id', told);
        connection.query('UPDATE item SET name = 1 WHERE FALSE', told);
      }),

    'the same of execute': (driver, options, tell) =>
      onConnection(driver, options, (connection) => {
        const told = (error: unknown, rows: unknown, fields: unknown) => tell(error, rows, names(fields));
        connection.execute('INSERT INTO item (name, price) VALUES (?, ?)', ['a', '7.25'], told);
        connection.execute('INSERT INTO item (name, price) VALUES (?, ?)', ['b', null], told);
        connection.execute({ sql: 'UPDATE item SET name = ? WHERE id = ?', values: ['c', 1] }, told);
        connection.execute('DELETE FROM item WHERE id = ?', [2], told);
        connection.execute('SELECT id, name, price FROM item WHERE id > ? FOR UPDATE', [0], told);
        connection.execute('SELECT id, price FROM item', told);
      }),

    'the events of a Query that is returned at once': (driver, options, tell) =>
      onConnection(driver, options, async (connection) => {
        await tellEvents(connection.query('SELECT id, name FROM item'), tell, 'select');
        await tellEvents(connection.query('SELECT id FROM item FOR UPDATE'), tell, 'locking select');
        await tellEvents(connection.query("INSERT INTO item (name) VALUES ('x')"), tell, 'insert');
        await tellEvents(connection.query("UPDATE item SET name = 'y' WHERE id < 3"), tell, 'update');
        await tellEvents(connection.query('INSERT INTO item (id) VALUES (1)'), tell, 'duplicate');
        await tellEvents(connection.query('SELECT nothing FROM item'), tell, 'mistake');
        await tellEvents(connection.query('SELECT id FROM item WHERE FALSE FOR UPDATE'), tell, 'no rows');
      }),

    'the events of an Execute': (driver, options, tell) =>
      onConnection(driver, options, async (connection) => {
        const execute = (sql: string, values: (string | number | null)[]) =>
          connection.execute(sql, values) as unknown as Query;
        await tellEvents(execute('SELECT id, name FROM item WHERE id > ?', [1]), tell, 'select');
        await tellEvents(execute('SELECT id FROM item WHERE id > ? FOR UPDATE', [1]), tell, 'locking select');
        await tellEvents(execute('INSERT INTO item (name) VALUES (?)', ['x']), tell, 'insert');
        await tellEvents(execute('INSERT INTO item (id) VALUES (?)', [1]), tell, 'duplicate');
      }),

    'streams of rows, also slow ones, and those that are left early': (driver, options, tell) =>
      onConnection(driver, options, async (connection) => {
        for await (const row of connection.query('SELECT id, name FROM item ORDER BY id').stream()) tell(row);
        const slow = connection
          .query('SELECT id FROM item ORDER BY id FOR UPDATE')
          .stream({ highWaterMark: 1 });
        for await (const row of slow) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          tell(row);
        }
        for await (const row of connection.query('SELECT id FROM item ORDER BY id').stream()) {
          tell('first', row);
          break;
        }
        const failed = connection.query('SELECT nothing FROM item').stream();
        await once(failed, 'close').catch((error) => tell(error));
        tell('still open', await text(Readable.from('yes')));
      }),

    'commands that are queued without waiting, in their order': (driver, options, tell) =>
      onConnection(driver, options, (connection) => {
        const told = (what: string) => (error: unknown, rows?: unknown) => tell(what, error, rows);
        connection.beginTransaction(told('begin'));
        connection.query("INSERT INTO item (id, name) VALUES (10, 'a')", told('insert'));
        connection.query('SELECT name FROM item WHERE id = 10', told('select'));
        connection.query('UPDATE item SET id = 1 WHERE id = 10', told('fails'));
        connection.execute('UPDATE item SET name = ? WHERE id = ?', ['b', 10], told('execute'));
        connection.ping(told('ping'));
        connection.commit(told('commit'));
        connection.beginTransaction(told('begin again'));
        connection.query('DELETE FROM item', told('delete'));
        connection.rollback(told('rollback'));
        connection.query('SELECT COUNT(*) AS count FROM item', told('count'));
      }),

    'commands that are asked for inside of callbacks': (driver, options, tell) =>
      onConnection(
        driver,
        options,
        (connection) =>
          new Promise((resolve) =>
            connection.query('INSERT INTO item (name) VALUES (?)', ['x'], (error, result) => {
              tell(error, result);
              connection.query('UPDATE item SET name = ? WHERE name = ?', ['y', 'x'], (next, updated) => {
                tell(next, updated);
                connection.execute('DELETE FROM item WHERE name = ?', ['y'], (last, deleted) => {
                  tell(last, deleted);
                  resolve();
                });
              });
            }),
          ),
      ),

    'prepared statements: prepare, execute often, close, unprepare': (driver, options, tell) =>
      onConnection(
        driver,
        options,
        (connection) =>
          new Promise((resolve, reject) =>
            connection.prepare('UPDATE item SET name = ? WHERE id = ?', (error, statement) => {
              if (error) return reject(error);
              statement.execute(['p', 1], (...seen: unknown[]) => tell(...seen));
              statement.execute(['q', 2], (...seen: unknown[]) => tell(...seen));
              statement.execute([null, 3], (...seen: unknown[]) => {
                tell(...seen);
                statement.close();
                connection.execute('SELECT name FROM item WHERE id > ?', [0], (...rows: unknown[]) => {
                  tell(rows[0], rows[1]);
                  connection.unprepare('SELECT name FROM item WHERE id > ?');
                  connection.execute('SELECT name FROM item WHERE id > ?', [1], (...more: unknown[]) => {
                    tell(more[0], more[1]);
                    resolve();
                  });
                });
              });
            }),
          ),
      ),

    'an execute that cannot be prepared': (driver, options, tell) =>
      onConnection(driver, options, (connection) => {
        connection.execute('UPDATE nowhere SET id = ?', [1], (error) => tell(error));
        connection.execute('UPDATE item SET name = ? WHERE id = 1', ['z'], (error, rows) =>
          tell(error, rows),
        );
      }),

    'a Query made by createQuery and handed to query': (driver, options, tell) =>
      onConnection(driver, options, (connection) => {
        const { createQuery } = driver.callbacks as unknown as {
          createQuery(
            sql: string,
            values: unknown,
            callback: (...seen: unknown[]) => void,
            config: object,
          ): Query;
        };
        const query = createQuery(
          'UPDATE item SET name = ? WHERE id = ?',
          ['m', 1],
          (...seen) => tell(...seen),
          {},
        );
        (connection.query as unknown as (query: Query) => void).call(connection, query);
      }),

    'a connection by URI, and one made with `new`': async (driver, options, tell) => {
      const { host, port, user, database } = options;
      const uri = `mysql://${user}@${host}:${port}/${database}?rowsAsArray=true`;
      for (const connection of [
        driver.callbacks.createConnection(uri),
        new (driver.callbacks.createConnection as unknown as new (uri: string) => Connection)(uri),
      ]) {
        tell(
          connection instanceof (driver.callbacks as unknown as { Connection: NewableFunction }).Connection,
        );
        connection.query("UPDATE item SET name = 'u'", (error, result) => tell(error, result));
        connection.query('SELECT id, name FROM item FOR UPDATE', (error, rows) => tell(error, rows));
        await new Promise<void>((resolve) => connection.end(() => resolve()));
      }
    },

    'the promise face of a connection': (driver, options, tell) =>
      onConnection(driver, options, async (connection) => {
        const promised = connection.promise();
        tell(await promised.query("INSERT INTO item (name) VALUES ('a')"));
        const [rows] = await promised.execute('SELECT name FROM item WHERE id > ?', [1]);
        tell(rows);
        tell(await promised.query('INSERT INTO item (id) VALUES (1)').catch((error) => error));
      }),
  });
});
