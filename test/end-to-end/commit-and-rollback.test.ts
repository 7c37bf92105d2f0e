import assert from 'node:assert/strict';
import { currentTransaction, GlobalTxError } from 'globaltx';
import { makeWorld, settled, type World } from './world.js';

describe('a global transaction over two servers', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE account (id INT PRIMARY KEY, owner VARCHAR(40), balance DECIMAL(12,2) NOT NULL)',
        "INSERT INTO account VALUES (1, 'ann', 100), (2, 'bob', 100), (3, 'eve', 100)",
      ],
    });
  });

  after(() => world.close());

  async function balances(): Promise<string[]> {
    const read = async (pool: World['first']['pool']) => {
      const [rows] = await pool.query('SELECT balance FROM account ORDER BY id');
      return (rows as { balance: string }[]).map((row) => row.balance).join(' ');
    };
    return Promise.all([read(world.first.pool), read(world.second.pool)]);
  }

  it('commits the writes of both when the function returns', async () => {
    const answer = await world.gtx.run({ name: 'transfer' }, async () => {
      await world.first.pool.execute('UPDATE account SET balance = balance - ? WHERE id = ?', [10, 1]);
      await world.second.pool.query('UPDATE account SET balance = balance + ? WHERE id = ?', [10, 1]);
      return 'moved';
    });
    assert.equal(answer, 'moved');
    assert.deepEqual(await balances(), ['90.00 100.00 100.00', '110.00 100.00 100.00']);
    await settled(world);
  });

  it('rolls back the writes of both when the function throws, and throws the very error', async () => {
    const before = await Promise.all([world.first.dump(), world.second.dump()]);
    const failure = new Error('no money');
    let seen: unknown;
    const thrown = await world.gtx
      .run({ name: 'transfer' }, async () => {
        await world.first.pool.execute('UPDATE account SET balance = balance - 10 WHERE id = 1');
        await world.second.pool.execute('UPDATE account SET balance = balance + 10 WHERE id = 1');
        await world.first.pool.execute("INSERT INTO account VALUES (9, 'zoe', 5)");
        await world.second.pool.execute('DELETE FROM account WHERE id = 3');
        seen = await world.first.pool.query('SELECT COUNT(*) AS rows_there FROM account');
        throw failure;
      })
      .catch((error: unknown) => error);
    assert.equal(thrown, failure);
    assert.match(JSON.stringify(seen), /"rows_there":4/);
    assert.deepEqual(await Promise.all([world.first.dump(), world.second.dump()]), before);
    await settled(world);
  });

  it('makes one unit of explicit local transactions, begun by method and by text', async () => {
    const before = await Promise.all([world.first.dump(), world.second.dump()]);
    const work = async (fail: boolean) => {
      const one = await world.first.pool.getConnection();
      const two = await world.second.pool.getConnection();
      try {
        await one.beginTransaction();
        await two.query('BEGIN');
        await one.execute('UPDATE account SET balance = balance - 1 WHERE id IN (1, 2)');
        await one.execute('UPDATE account SET balance = balance - 1 WHERE id = 1');
        await two.execute('UPDATE account SET balance = balance + 3 WHERE id = 2');
        await one.commit();
        await two.query('COMMIT');
        if (fail) throw new Error('late');
      } finally {
        one.release();
        two.release();
      }
    };
    await assert.rejects(
      world.gtx.run({ name: 'explicit' }, () => work(true)),
      /late/,
    );
    assert.deepEqual(await Promise.all([world.first.dump(), world.second.dump()]), before);
    await world.gtx.run({ name: 'explicit' }, () => work(false));
    assert.deepEqual(await balances(), ['88.00 99.00 100.00', '110.00 103.00 100.00']);
    await settled(world);
  });

  it('forgets what a savepoint has undone', async () => {
    const before = await world.first.dump();
    await assert.rejects(
      world.gtx.run({ name: 'savepoint' }, async () => {
        const connection = await world.first.pool.getConnection();
        try {
          await connection.beginTransaction();
          await connection.query('UPDATE account SET balance = 1 WHERE id = 1');
          await connection.query('SAVEPOINT here');
          await connection.query('DELETE FROM account WHERE id = 2');
          await connection.query('UPDATE account SET balance = 2 WHERE id = 1');
          await connection.query('ROLLBACK TO SAVEPOINT here');
          await connection.commit();
        } finally {
          connection.release();
        }
        throw new Error('undo it');
      }),
      /undo it/,
    );
    assert.equal(await world.first.dump(), before);
    await settled(world);
  });

  it('goes on without autocommit after a statement that could not be prepared', async () => {
    const connection = await world.first.pool.getConnection();
    try {
      await world.gtx.run({ name: 'no table' }, async () => {
        await connection.query('SET autocommit = 0');
        await assert.rejects(connection.execute('UPDATE no_such_table SET v = 1'), {
          code: 'ER_NO_SUCH_TABLE',
        });
        await connection.execute('UPDATE account SET owner = owner WHERE id = 1');
        await connection.query('COMMIT');
      });
    } finally {
      await connection.query('SET autocommit = 1');
      connection.release();
    }
  });

  it('says of an UPDATE that finds nothing what plain mysql2 says, with a LIMIT too', async () => {
    await world.gtx.run({ name: 'nothing' }, async () => {
      const [header] = await world.first.pool.query('UPDATE account SET balance = 0 WHERE id = 99 LIMIT 3');
      assert.equal((header as { info: string }).info, 'Rows matched: 0  Changed: 0  Warnings: 0');
    });
  });

  it('rolls back when it was marked rollback-only, and says so', async () => {
    const before = await world.first.dump();
    const error = await world.gtx
      .run({ name: 'marked' }, async () => {
        await world.first.pool.query('UPDATE account SET balance = 0');
        currentTransaction()?.setRollbackOnly('changed my mind');
      })
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof GlobalTxError);
    assert.equal(error.code, 'ROLLBACK_ONLY');
    assert.equal(await world.first.dump(), before);
  });

  it('joins nested calls, whose failure fails the whole', async () => {
    const before = await world.first.dump();
    const inner = world.gtx.transactional({ name: 'inner' }, async (id: number) => {
      await world.first.pool.query('UPDATE account SET balance = 0 WHERE id = ?', [id]);
      throw new Error('inner failed');
    });
    await assert.rejects(
      world.gtx.run({ name: 'outer' }, async () => {
        const xid = currentTransaction()?.xid;
        await world.first.pool.query('UPDATE account SET balance = 0 WHERE id = 1');
        await inner(2);
        assert.ok(xid);
      }),
      /inner failed/,
    );
    assert.equal(await world.first.dump(), before);
  });

  it('refuses to commit past a local transaction that was left open', async () => {
    const before = await world.first.dump();
    const error = await world.gtx
      .run({ name: 'open' }, async () => {
        const connection = await world.first.pool.getConnection();
        await connection.beginTransaction();
        await connection.query('UPDATE account SET balance = 0 WHERE id = 1');
        setImmediate(() => connection.release());
      })
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof GlobalTxError, String(error));
    assert.ok(['LOCAL_TRANSACTION_OPEN', 'ROLLBACK_ONLY'].includes(error.code), error.code);
    assert.equal(await world.first.dump(), before);
  });

  it('lets no parallel branch commit locally once the function has failed', async () => {
    const before = await world.first.dump();
    await assert.rejects(
      world.gtx.run({ name: 'parallel' }, async () => {
        const slow = async () => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          await world.first.pool.query('UPDATE account SET balance = 0 WHERE id = 2');
        };
        await Promise.all([
          slow(),
          world.first.pool.query('UPDATE account SET balance = 0 WHERE id = 1').then(() => {
            throw new Error('one failed');
          }),
        ]);
      }),
      /one failed/,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(await world.first.dump(), before);
  });
});
