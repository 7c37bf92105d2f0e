import assert from 'node:assert/strict';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { ITEM, itSeesTheSame, type Tell } from './driver-ways.js';
import { makeWorld, settled, type World } from './world.js';

/** What is written between control statements, each another row or value. */
const WRITE = "UPDATE item SET name = CONCAT(COALESCE(name, ''), '+') WHERE id = 1";
const INSERT = "INSERT INTO item (id, name) VALUES (10, 'new')";

const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  'BEGIN WORK and COMMIT WORK': ['BEGIN WORK', WRITE, 'COMMIT WORK'],
  'START TRANSACTION and ROLLBACK WORK': ['START TRANSACTION', WRITE, 'ROLLBACK WORK', INSERT],
  'COMMIT AND CHAIN': ['BEGIN', WRITE, 'COMMIT AND CHAIN', INSERT, 'ROLLBACK'],
  'COMMIT WORK AND NO CHAIN NO RELEASE': ['BEGIN', WRITE, 'COMMIT WORK AND NO CHAIN NO RELEASE', INSERT],
  'ROLLBACK AND CHAIN': ['BEGIN', WRITE, 'ROLLBACK AND CHAIN', INSERT, 'COMMIT'],
  'COMMIT AND CHAIN twice': ['BEGIN', WRITE, 'COMMIT AND CHAIN', INSERT, 'COMMIT AND CHAIN', WRITE, 'COMMIT'],
  'BEGIN, which commits what is open': ['BEGIN', WRITE, 'BEGIN', INSERT, 'ROLLBACK'],
  'START TRANSACTION READ ONLY': ['START TRANSACTION READ ONLY', WRITE, 'COMMIT', INSERT],
  'START TRANSACTION READ WRITE': ['START TRANSACTION READ WRITE', WRITE, 'COMMIT'],
  'START TRANSACTION WITH CONSISTENT SNAPSHOT': [
    'START TRANSACTION WITH CONSISTENT SNAPSHOT',
    WRITE,
    'COMMIT',
  ],
  'SET TRANSACTION ISOLATION LEVEL': [
    'SET TRANSACTION ISOLATION LEVEL READ COMMITTED',
    'BEGIN',
    WRITE,
    'COMMIT',
    'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'BEGIN',
    INSERT,
    'COMMIT',
  ],
  'SET TRANSACTION READ ONLY': ['SET TRANSACTION READ ONLY', 'BEGIN', WRITE, 'COMMIT', INSERT],
  'SET SESSION TRANSACTION READ ONLY': [
    'SET SESSION TRANSACTION READ ONLY',
    WRITE,
    'SET SESSION TRANSACTION READ WRITE',
    INSERT,
  ],
  'SET autocommit': [
    'SET autocommit = 0',
    WRITE,
    'COMMIT',
    INSERT,
    'ROLLBACK',
    WRITE,
    'SET autocommit = 1',
    WRITE,
  ],
  savepoints: [
    'BEGIN',
    WRITE,
    'SAVEPOINT a',
    INSERT,
    'SAVEPOINT b',
    WRITE,
    'ROLLBACK TO SAVEPOINT b',
    'DELETE FROM item WHERE id = 2',
    'RELEASE SAVEPOINT b',
    'ROLLBACK WORK TO b',
    'ROLLBACK TO a',
    INSERT,
    'COMMIT',
  ],
  'a savepoint of the same name': [
    'BEGIN',
    'SAVEPOINT a',
    WRITE,
    'SAVEPOINT A',
    INSERT,
    'ROLLBACK TO a',
    'COMMIT',
  ],
};

async function play(connection: Connection, script: readonly string[], tell: Tell): Promise<void> {
  for (const sql of script) {
    try {
      const [{ affectedRows, info, warningStatus }] = await connection.query<ResultSetHeader>(sql);
      tell(sql, affectedRows, info, warningStatus);
    } catch (error) {
      tell(sql, error);
    }
    tell((await connection.query('SELECT id, name FROM item ORDER BY id'))[0]);
  }
}

describe('control statements', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: [ITEM] });
  });

  after(() => world.close());

  for (const [name, script] of Object.entries(SCRIPTS)) {
    itSeesTheSame(() => world, {
      [`are those of mysql2: ${name}`]: async ({ promises }, options, tell) => {
        const connection = await promises.createConnection(options);
        try {
          await play(connection, script, tell);
        } finally {
          await connection.end();
        }
      },
    });
  }

  for (const [end, kept] of [
    ['COMMIT RELEASE', true],
    ['COMMIT AND NO CHAIN RELEASE', true],
    ['ROLLBACK RELEASE', false],
  ] as const) {
    itSeesTheSame(() => world, {
      [`end the connection by ${end}, ${kept ? 'with' : 'without'} what was written`]: async (
        { promises },
        options,
        tell,
      ) => {
        const connection = await promises.createConnection(options);
        connection.on('error', () => {});
        await play(connection, ['BEGIN', WRITE], tell);
        await connection.query(end);
        await assert.rejects(connection.query('SELECT 1'));
        const other = await promises.createConnection(options);
        tell((await other.query('SELECT id, name FROM item ORDER BY id'))[0]);
        await other.end();
      },
    });
  }

  it('leave neither an undo record nor a lock of what a savepoint has taken back', async () => {
    const { first, gtx } = world;
    await first.execute(['DELETE FROM item', "INSERT INTO item (id, name) VALUES (1, 'one'), (2, 'two')"]);
    const undo = new Error('undo it');
    await assert.rejects(
      gtx.run(async () => {
        const connection = await first.pool.getConnection();
        await connection.beginTransaction();
        await connection.query('SAVEPOINT a');
        await connection.query(WRITE);
        await connection.query('ROLLBACK TO a');
        await connection.commit();
        assert.equal(await first.undoLogRows(), 0);
        await connection.beginTransaction();
        await connection.query("UPDATE item SET name = 'kept' WHERE id = 2");
        await connection.query('SAVEPOINT a');
        await connection.query(WRITE);
        await connection.query('ROLLBACK TO a');
        await connection.commit();
        connection.release();
        assert.equal(await first.undoLogRows(), 1);
        // Another global transaction may write the row, and be committed, while this one is not decided.
        await gtx.run({ propagation: 'REQUIRES_NEW', name: 'other' }, () => first.pool.query(WRITE));
        throw undo;
      }),
      (error) => error === undo,
    );
    await settled(world);
    assert.deepEqual((await first.pool.query('SELECT id, name FROM item ORDER BY id'))[0], [
      { id: 1, name: 'one+' },
      { id: 2, name: 'two' },
    ]);
  });
});
