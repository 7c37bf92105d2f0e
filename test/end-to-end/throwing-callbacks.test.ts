import assert from 'node:assert/strict';
import mysql from 'globaltx/mysql2';
import type { Connection } from 'mysql2';
import { makeWorld, settled, type World } from './world.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

type Boom = () => never;

interface Way {
  /** Asks for something, with a callback or a listener that throws. */
  readonly ask: (connection: Connection, boom: Boom) => void;
  /** As mysql2 does when something throws where it reads the socket. */
  readonly endsConnection?: true;
}

const ADD = 'UPDATE account SET balance = balance + 1 WHERE id = 1';
const MISTAKE = 'UPDATE account SET nothing = 1 WHERE id = 1';

const WAYS: Readonly<Record<string, Way>> = {
  'the callback of a statement': { ask: (connection, boom) => connection.query(ADD, boom) },
  'the callback of a mistake': { ask: (connection, boom) => connection.query(MISTAKE, boom) },
  'a listener of its result': { ask: (connection, boom) => connection.query(ADD).on('result', boom) },
  'a listener of its end': { ask: (connection, boom) => connection.query(ADD).on('end', boom) },
  'a listener of an error': { ask: (connection, boom) => connection.query(MISTAKE).on('error', boom) },
  'a read that is a mistake': {
    ask: (connection, boom) => connection.query('SELECT nothing', boom),
    endsConnection: true,
  },
  ...Object.fromEntries(
    Object.entries({
      statement: (connection: Connection, boom: Boom) => connection.query(ADD, boom),
      prepare: (connection: Connection, boom: Boom) => connection.prepare('SELECT 1', boom),
      execute: (connection: Connection, boom: Boom) => connection.execute(ADD, boom),
      ping: (connection: Connection, boom: Boom) => connection.ping(boom),
    }).map(([kind, ask]): [string, Way] => [
      `the callback of a ${kind} that waits when the connection is destroyed`,
      {
        ask: (connection, boom) => {
          connection.query('SELECT SLEEP(5)', () => {});
          ask(connection, boom);
          setTimeout(() => connection.destroy(), 50);
        },
        endsConnection: true,
      },
    ]),
  ),
};

describe('what a callback of the application throws', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL)',
        'INSERT INTO account VALUES (1, 100)',
      ],
    });
  });

  after(() => world.close());

  async function thrownBy(work: () => Promise<void>): Promise<readonly string[]> {
    const thrown: string[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', ({ message }) => thrown.push(message));
    try {
      await work();
      await pause(100);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    return thrown;
  }

  for (const [name, { ask, endsConnection = false }] of Object.entries(WAYS)) {
    for (const local of [false, true]) {
      it(`is the process's to hear, and nothing waits for ever: ${name}${local ? ', in BEGIN' : ''}`, async () => {
        const connection = mysql.createConnection(world.first.server.options(world.first.name)) as Connection;
        connection.on('error', () => {});
        const query = (sql: string) =>
          new Promise<string>((resolve) =>
            connection.query(sql, (error) => resolve(error?.message ?? 'done')),
          );
        let called = 0;
        const thrown = await thrownBy(() =>
          world.gtx.run(async () => {
            await query(local ? 'BEGIN' : 'SELECT 1');
            ask(connection, () => {
              called += 1;
              throw new Error('boom');
            });
            await pause(200);
            if (local && !endsConnection) await query('COMMIT');
          }),
        );
        assert.ok(called > 0);
        assert.ok(thrown.length > 0 && thrown.every((message) => message === 'boom'), thrown.join());
        if (!endsConnection) assert.equal(await query('SELECT 1'), 'done');
        connection.destroy();
        await settled(world);
      });
    }
  }
});
