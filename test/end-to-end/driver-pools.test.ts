import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import globaltx from 'globaltx/mysql2';
import type { PoolCluster as PlainCluster, Pool as PlainPool } from 'mysql2';
import { ITEM, itSeesTheSame, OURS, PLAIN } from './driver-ways.js';
import { makeWorld, type World } from './world.js';

const NAMES = 'SELECT name FROM item ORDER BY id';

describe('pools and clusters of globaltx/mysql2 do what those of mysql2 do:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: [ITEM] });
  });

  after(() => world.close());

  itSeesTheSame(() => world, {
    'a pool of promises': async ({ promises }, options, tell) => {
      const pool = promises.createPool({ ...options, connectionLimit: 2 });
      tell(await pool.query('UPDATE item SET name = ? WHERE id = ?', ['a', 1]));
      tell(await pool.execute('UPDATE item SET name = ? WHERE id = ?', ['b', 2]));
      tell(await pool.execute('INSERT INTO item (id) VALUES (1)').catch((error: unknown) => error));
      const connection = await pool.getConnection();
      await connection.beginTransaction();
      tell((await connection.query('DELETE FROM item WHERE id = 3'))[0]);
      await connection.rollback();
      connection.release();
      tell((await pool.query(NAMES))[0], pool.escape("it's"), pool.format('??', ['a']));
      await pool.end();
    },

    'a pool of callbacks, its events, and its face of promises': async ({ callbacks }, options, tell) => {
      const pool = callbacks.createPool({ ...options, connectionLimit: 1 });
      for (const event of ['connection', 'acquire', 'release', 'enqueue']) pool.on(event, () => tell(event));
      await new Promise((resolve) =>
        pool.query("UPDATE item SET name = 'x' WHERE id = 1", (error, result) =>
          resolve(tell(error, result)),
        ),
      );
      await new Promise((resolve) =>
        pool.execute('UPDATE item SET name = ? WHERE id = 2', ['y'], (error, result) =>
          resolve(tell(error, result)),
        ),
      );
      await new Promise<void>((resolve) =>
        pool.getConnection((error, connection) => {
          tell(error);
          const second = pool.promise().query("UPDATE item SET name = 'z' WHERE id = 3");
          connection.query(NAMES, (failed, rows) => {
            tell(failed, rows);
            connection.release();
            void second.then(([result]) => resolve(tell(result)));
          });
        }),
      );
      await new Promise((resolve) => pool.end(resolve));
    },

    'many statements at once on a small pool': async ({ promises }, options, tell) => {
      const pool = promises.createPool({ ...options, connectionLimit: 2 });
      const updates = [1, 2, 3].map((id) =>
        pool.query('UPDATE item SET name = ? WHERE id = ?', [`n${id}`, id]),
      );
      tell((await Promise.all(updates)).map(([result]) => result));
      tell((await pool.query(NAMES))[0]);
      await pool.end();
    },

    'a stream of a pool': async ({ callbacks }, options, tell) => {
      const pool = callbacks.createPool({ ...options, connectionLimit: 1 });
      for await (const row of pool.query('SELECT id, name FROM item ORDER BY id FOR UPDATE').stream())
        tell(row);
      for await (const row of pool.query(NAMES).stream()) tell(row);
      await new Promise((resolve) => pool.end(resolve));
    },

    'a cluster: add, of, selectors, remove': async ({ callbacks, promises }, options, tell) => {
      const cluster = promises.createPoolCluster();
      cluster.add('north', { ...options, connectionLimit: 1 });
      cluster.add('south', options);
      cluster.on('warn', (error) => tell('warn', error));
      tell((await cluster.of('*', 'ORDER').query("UPDATE item SET name = 'n' WHERE id = 1"))[0]);
      tell((await cluster.of('south').execute('UPDATE item SET name = ? WHERE id = ?', ['s', 2]))[0]);
      const connection = await cluster.getConnection('no*', 'RANDOM');
      tell((await connection.query("INSERT INTO item (name) VALUES ('c')"))[0]);
      connection.release();
      tell((await cluster.of('north').query(NAMES))[0]);
      tell(
        await cluster
          .of('west')
          .query(NAMES)
          .catch((error: unknown) => error),
      );
      await cluster.end();

      const called = callbacks.createPoolCluster({ defaultSelector: 'RR' });
      called.add(options);
      await new Promise((resolve) =>
        called
          .of('*')
          .query("UPDATE item SET name = 'd' WHERE id = 3", (error, result) => resolve(tell(error, result))),
      );
      called.remove('*');
      await new Promise<void>((resolve) =>
        called.getConnection((error) => {
          tell(error);
          resolve();
        }),
      );
      await new Promise<void>((resolve) => called.end(() => resolve()));
    },

    'what is disposed of at the end of a block': async ({ promises }, options, tell) => {
      const ended: Promise<unknown>[] = [];
      {
        await using connection = await promises.createConnection(options);
        ended.push(once(connection, 'end'));
        tell((await connection.query("UPDATE item SET name = 'u' WHERE id = 1"))[0]);
        await using pool = promises.createPool({ ...options, connectionLimit: 1 });
        {
          await using pooled = await pool.getConnection();
          tell((await pooled.query("UPDATE item SET name = 'p' WHERE id = 2"))[0]);
        }
        tell((await pool.query(NAMES))[0]);
      }
      await Promise.all(ended);
    },

    'a connection that is reset when it goes back to the pool': async ({ promises }, options, tell) => {
      const pool = promises.createPool({ ...options, connectionLimit: 1, resetOnRelease: true });
      await pool.query('SET @mark = 1');
      tell((await pool.query("UPDATE item SET name = 'r' WHERE id = 1"))[0]);
      tell((await pool.execute('UPDATE item SET name = ? WHERE id = 2', ['r']))[0]);
      tell((await pool.query('SELECT @mark AS mark'))[0]);
      await pool.end();
    },

    'a pool that is closed, and one that has no connection to give': async ({ promises }, options, tell) => {
      const pool = promises.createPool({ ...options, connectionLimit: 1, waitForConnections: false });
      const connection = await pool.getConnection();
      tell(await pool.query(NAMES).catch(({ message }) => message));
      connection.release();
      await pool.end();
      tell(await pool.query(NAMES).catch(({ message }) => message));
      const astray = promises.createPool({ ...options, database: '', port: 1 });
      tell(await astray.query(NAMES).catch(({ code }) => code));
      await astray.end();
    },

    'the diagnostics channels': async ({ promises }, options, tell) => {
      const pool = promises.createPool({ ...options, connectionLimit: 1 });
      const note = (name: string) => (message: unknown) => {
        const { query, values, database, error } = message as Record<string, unknown>;
        if (database === options.database) tell(name, query, values, error);
      };
      const listeners = [
        'query:start',
        'query:asyncEnd',
        'query:error',
        'execute:start',
        'execute:asyncEnd',
      ].map((name) => ({ channel: `tracing:mysql2:${name}`, listener: note(name) }));
      for (const { channel, listener } of listeners) diagnostics.subscribe(channel, listener);
      try {
        await pool.query("UPDATE item SET name = 'u' WHERE id = 1");
        await pool.execute('UPDATE item SET name = ? WHERE id = 2', ['p']);
        await pool.query('DELETE FROM nowhere').catch(() => {});
      } finally {
        for (const { channel, listener } of listeners) diagnostics.unsubscribe(channel, listener);
      }
      await pool.end();
    },
  });

  it("take part also when they are made by `new`, by a class that extends mysql2's, or by its prototype", async () => {
    const options = world.first.server.options(world.first.name);
    const { Pool, Connection, PoolCluster, ConnectionConfig } = globaltx as unknown as Record<
      string,
      new (
        ...args: unknown[]
      ) => PlainPool
    >;
    class OwnPool extends (Pool!) {
      readonly mine = true;
    }
    const config = { connectionConfig: new ConnectionConfig!(options), connectionLimit: 1, maxIdle: 1 };
    const pool = new OwnPool({ config });
    assert.ok(pool.mine && pool instanceof OwnPool && pool instanceof Pool!);
    const connection = new Connection!({ config: new ConnectionConfig!(options) });
    const cluster = new PoolCluster!({}) as unknown as PlainCluster;
    cluster.add('node', options);
    await world.first.execute(['DELETE FROM item', "INSERT INTO item (id, name) VALUES (1, 'as it was')"]);
    await assert.rejects(
      world.gtx.run(async () => {
        await pool.promise().query("UPDATE item SET name = 'pool' WHERE id = 1");
        await connection.promise().query("UPDATE item SET name = 'connection' WHERE id = 1");
        await new Promise((resolve) =>
          cluster.of('*').query("UPDATE item SET name = 'cluster' WHERE id = 1", resolve),
        );
        throw new Error('undo it');
      }),
      /undo it/,
    );
    const [rows] = await pool.promise().query('SELECT name FROM item');
    assert.deepEqual(rows, [{ name: 'as it was' }]);
    await Promise.all([pool.promise().end(), connection.promise().end()]);
    await new Promise<void>((resolve) => cluster.end(() => resolve()));
  });

  it("are instances of mysql2's own classes", async () => {
    const options = world.first.server.options(world.first.name);
    const { callbacks, promises } = OURS;
    const theirs = PLAIN.callbacks as unknown as Record<string, NewableFunction>;
    const promised = PLAIN.promises as unknown as Record<string, NewableFunction>;
    const pool = callbacks.createPool(options);
    assert.ok(pool instanceof theirs.Pool!);
    const cluster = callbacks.createPoolCluster();
    assert.ok(cluster instanceof theirs.PoolCluster!);
    const connection = callbacks.createConnection(options);
    assert.ok(connection instanceof theirs.Connection!);
    await new Promise<void>((resolve, reject) =>
      pool.getConnection((error, pooled) => {
        if (error) return reject(error);
        assert.ok(pooled instanceof theirs.PoolConnection!);
        pooled.release();
        resolve();
      }),
    );
    const promisePool = promises.createPool(options);
    assert.ok(promisePool instanceof promised.PromisePool!);
    const promisePooled = await promisePool.getConnection();
    assert.ok(promisePooled instanceof promised.PromisePoolConnection!);
    assert.ok(promisePooled instanceof promised.PromiseConnection!);
    promisePooled.release();
    connection.end();
    await Promise.all([promisePool.end(), promises.createPoolCluster().end(), pool.promise().end()]);
  });
});
