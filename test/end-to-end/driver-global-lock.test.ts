import assert from 'node:assert/strict';
import { GlobalTxError, globalLock } from 'globaltx';
import callbacks from 'globaltx/mysql2';
import mysql, { type Pool } from 'globaltx/mysql2/promise';
import { makeWorld, type World } from './world.js';

const TABLES = [
  'CREATE TABLE account (id INT PRIMARY KEY, owner VARCHAR(20), balance INT NOT NULL, UNIQUE (owner))',
  "INSERT INTO account VALUES (1, 'ann', 100), (2, 'bob', 100), (3, 'eve', 100)",
];

const ADD = 'UPDATE account SET balance = balance + ? WHERE id = ?';

/** Long enough for a machine that is busy with other things. */
const PATIENT = { lockWait: 20_000 };

function code(wanted: string): (error: unknown) => boolean {
  return (error) => error instanceof GlobalTxError && error.code === wanted;
}

/** A promise and the way to keep it. */
function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** What `work` did within a while: 'waits', or what became of it. */
async function soon(work: Promise<unknown>): Promise<unknown> {
  const timeUp = new Promise((resolve) => setTimeout(resolve, 250, 'waits'));
  return await Promise.race([work.then(() => 'done'), timeUp]);
}

describe('a local transaction that respects the global locks', () => {
  let world: World;
  let guarded: Pool;
  /** Ends what a failed test has left undecided. */
  let clear: (() => Promise<void>) | undefined;

  before(async () => {
    world = await makeWorld({ tables: TABLES });
    guarded = mysql.createPool({ ...world.first.server.options(world.first.name), globalLock: PATIENT });
  });

  beforeEach(() =>
    world.first.execute(['DELETE FROM account', TABLES[1]!, 'UPDATE account SET balance = 100']),
  );

  after(async () => {
    await guarded.end();
    await world.close();
  });

  afterEach(() => clear?.());

  async function balances(): Promise<Record<string, number>> {
    const [rows] = await world.first.pool.query('SELECT owner, balance FROM account ORDER BY id');
    return Object.fromEntries(
      (rows as { owner: string; balance: number }[]).map((row) => [row.owner, row.balance]),
    );
  }

  /**
   * Begins a global transaction that writes what `work` says, and stays undecided until the function returned is
   * called: with an error it is rolled back.
   */
  async function undecided(work: () => Promise<unknown>): Promise<(error?: Error) => Promise<void>> {
    const written = gate();
    const decided = gate();
    let failure: Error | undefined;
    const whole = world.gtx.run(async () => {
      await work();
      written.open();
      await decided.opened;
      if (failure !== undefined) throw failure;
    });
    await Promise.race([written.opened, whole]);
    const decide = async (error?: Error) => {
      failure = error;
      decided.open();
      await whole.catch((thrown: unknown) => {
        if (thrown !== error) throw thrown;
      });
    };
    clear = () => decide();
    return (error) => {
      clear = undefined;
      return decide(error);
    };
  }

  const ways = {
    'in globalLock(fn)': () => ({
      write: (sql: string, values: (string | number)[] = []) =>
        globalLock(PATIENT, () => world.first.pool.execute(sql, values)),
    }),
    'through a pool with the option': () => ({
      write: (sql: string, values: (string | number)[] = []) => guarded.execute(sql, values),
    }),
  };

  for (const [name, way] of Object.entries(ways)) {
    describe(name, () => {
      it('writes at once where nothing is locked, and leaves neither lock nor undo log', async () => {
        const { write } = way();
        await write(ADD, [5, 1]);
        await write("INSERT INTO account VALUES (4, 'joe', 1)");
        await write('DELETE FROM account WHERE id = 3');
        assert.deepEqual(await balances(), { ann: 105, bob: 100, joe: 1 });
        assert.equal(await world.first.undoLogRows(), 0);
      });

      it('waits for the commit of a global transaction that has written the row', async () => {
        const decide = await undecided(() => world.first.pool.execute(ADD, [10, 1]));
        const write = way().write(ADD, [1, 1]);
        assert.equal(await soon(write), 'waits');
        await decide();
        await write;
        assert.deepEqual(await balances(), { ann: 111, bob: 100, eve: 100 });
      });

      it('writes over what the rollback has restored, not over what was rolled back', async () => {
        const decide = await undecided(() => world.first.pool.execute(ADD, [10, 1]));
        const write = way().write(ADD, [1, 1]);
        assert.equal(await soon(write), 'waits');
        await decide(new Error('undo it'));
        await write;
        assert.deepEqual(await balances(), { ann: 101, bob: 100, eve: 100 });
      });

      it('does not take a unique value that a rollback will need', async () => {
        const decide = await undecided(() =>
          world.first.pool.execute("UPDATE account SET owner = 'anna' WHERE id = 1"),
        );
        const write = way().write("UPDATE account SET owner = 'ann' WHERE id = 2");
        assert.equal(await soon(write), 'waits');
        await decide(new Error('undo it'));
        await assert.rejects(write, { code: 'ER_DUP_ENTRY' });
        assert.deepEqual(await balances(), { ann: 100, bob: 100, eve: 100 });
      });

      it('does not put a row where a rollback will put one back', async () => {
        const decide = await undecided(() => world.first.pool.execute('DELETE FROM account WHERE id = 1'));
        const write = way().write("INSERT INTO account VALUES (1, 'joe', 7)");
        assert.equal(await soon(write), 'waits');
        await decide(new Error('undo it'));
        await assert.rejects(write, { code: 'ER_DUP_ENTRY' });
        assert.deepEqual(await balances(), { ann: 100, bob: 100, eve: 100 });
      });

      it('keeps a global transaction off the row until the local COMMIT, and no longer', async () => {
        const { write } = way();
        await write(ADD, [1, 1]);
        await world.gtx.run({ lockWait: 500 }, () => world.first.pool.execute(ADD, [10, 1]));
        await write(ADD, [1, 1]);
        assert.deepEqual(await balances(), { ann: 112, bob: 100, eve: 100 });
      });

      it('is no dirty write in any interleaving with transactions that are rolled back', async () => {
        const { write } = way();
        const undo = new Error('undo it');
        const globals = Array.from({ length: 12 }, (_, index) =>
          world.gtx
            .run({ lockWait: 20_000 }, async () => {
              await world.first.pool.execute(ADD, [1000, 1 + (index % 2)]);
              await new Promise((resolve) => setTimeout(resolve, (index * 7) % 20));
              throw undo;
            })
            .catch((error: unknown) => {
              if (error !== undo) throw error;
            }),
        );
        const locals = Array.from({ length: 24 }, (_, index) => write(ADD, [1, 1 + (index % 2)]));
        await Promise.all([...globals, ...locals]);
        assert.deepEqual(await balances(), { ann: 112, bob: 112, eve: 100 });
      });
    });
  }

  it('asks the coordinator once, at the local COMMIT, for all that it has written', async () => {
    const decide = await undecided(() => world.first.pool.execute(ADD, [10, 2]));
    const connection = await guarded.getConnection();
    await connection.beginTransaction();
    await connection.execute(ADD, [1, 1]);
    await connection.execute(ADD, [1, 2]);
    const commit = connection.commit();
    assert.equal(await soon(commit), 'waits');
    await decide();
    await commit;
    connection.release();
    assert.deepEqual(await balances(), { ann: 101, bob: 111, eve: 100 });
  });

  it('is rolled back, and told so, when the global transaction that it waits for is', async () => {
    const decide = await undecided(() => world.first.pool.execute(ADD, [10, 2]));
    const connection = await guarded.getConnection();
    await connection.beginTransaction();
    await connection.execute(ADD, [1, 1]);
    await connection.execute(ADD, [1, 2]);
    const commit = connection.commit();
    assert.equal(await soon(commit), 'waits');
    const refused = assert.rejects(commit, code('LOCK_CONFLICT'));
    await decide(new Error('undo it'));
    await refused;
    connection.release();
    assert.deepEqual(await balances(), { ann: 100, bob: 100, eve: 100 });
  });

  it('stops waiting after lockWait, rolled back', async () => {
    const decide = await undecided(() => world.first.pool.execute(ADD, [10, 1]));
    await assert.rejects(
      globalLock({ lockWait: 1_000 }, () => world.first.pool.execute(ADD, [1, 1])),
      code('LOCK_WAIT_TIMEOUT'),
    );
    const options = world.first.server.options(world.first.name);
    const impatient = mysql.createPool({ ...options, globalLock: { lockWait: 1_000 } });
    await assert.rejects(impatient.execute(ADD, [1, 1]), code('LOCK_WAIT_TIMEOUT'));
    await impatient.end();
    await decide();
    assert.deepEqual(await balances(), { ann: 110, bob: 100, eve: 100 });
  });

  it('reads FOR UPDATE only what is decided, and reads plainly without a word to the coordinator', async () => {
    const decide = await undecided(() => world.first.pool.execute(ADD, [10, 1]));
    const [seen] = await guarded.query('SELECT balance FROM account WHERE id = 1');
    assert.deepEqual(seen, [{ balance: 110 }]);
    const read = guarded.query('SELECT balance FROM account WHERE id = 1 FOR UPDATE');
    assert.equal(await soon(read), 'waits');
    await decide(new Error('undo it'));
    assert.deepEqual((await read)[0], [{ balance: 100 }]);
  });

  it('keeps what it has committed, whatever becomes of what comes after it', async () => {
    await assert.rejects(
      globalLock(async () => {
        await world.first.pool.execute(ADD, [1, 1]);
        throw new Error('too late');
      }),
      /too late/,
    );
    assert.deepEqual(await balances(), { ann: 101, bob: 100, eve: 100 });
  });

  it('is a part of the global transaction that it is called in', async () => {
    await assert.rejects(
      world.gtx.run(async () => {
        await globalLock(() => world.first.pool.execute(ADD, [1, 1]));
        await guarded.execute(ADD, [1, 2]);
        throw new Error('undo it');
      }),
      /undo it/,
    );
    assert.deepEqual(await balances(), { ann: 100, bob: 100, eve: 100 });
  });

  it('is seen by callbacks and by what they ask for, and by a pool that is made by URI', async () => {
    const { host, port, user, database } = world.first.server.options(world.first.name);
    const pool = callbacks.createPool(`mysql://${user}@${host}:${port}/${database}?globalLock=true`);
    const decide = await undecided(() => world.first.pool.execute(ADD, [10, 1]));
    const write = new Promise<void>((resolve, reject) =>
      pool.query('SELECT 1', () =>
        pool.query('UPDATE account SET balance = balance + 1 WHERE id = 1', (error) =>
          error ? reject(error) : resolve(),
        ),
      ),
    );
    assert.equal(await soon(write), 'waits');
    await decide();
    await write;
    await pool.promise().end();
    assert.deepEqual(await balances(), { ann: 111, bob: 100, eve: 100 });
  });

  it('goes along with who waits for a connection, and does not stay with the connection', async () => {
    const narrow = mysql.createPool({ ...world.first.server.options(world.first.name), connectionLimit: 1 });
    // Made inside, so that its socket would keep what it was made in.
    await globalLock(() => narrow.query('SELECT 1'));
    const decide = await undecided(() => world.first.pool.execute(ADD, [10, 1]));
    const taken = await narrow.getConnection();
    const write = globalLock(PATIENT, () => narrow.execute(ADD, [1, 1]));
    taken.release();
    assert.equal(await soon(write), 'waits');
    await decide();
    await write;
    await assert.rejects(
      new Promise((resolve, reject) =>
        narrow.pool.query('SELECT 1', () =>
          narrow.pool.query('TRUNCATE account', (error) => (error ? reject(error) : resolve('truncated'))),
        ),
      ).then((done) => {
        throw new Error(String(done));
      }),
      /truncated/,
    );
    await narrow.end();
  });

  it('refuses what it cannot answer for', async () => {
    await assert.rejects(guarded.query('TRUNCATE account'), code('STATEMENT_UNSUPPORTED'));
    assert.throws(
      () => mysql.createPool({ host: 'localhost', globalLock: 'yes' as unknown as boolean }),
      code('INVALID_OPTION'),
    );
    assert.throws(() => globalLock({ lockWait: -1 }, () => 1), code('INVALID_OPTION'));
    assert.throws(() => globalLock({} as never), code('INVALID_OPTION'));
  });
});
