import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { currentTransaction } from 'globaltx';
import { createPool, type Pool } from 'globaltx/mysql2/promise';
import type { ResultSetHeader, RowDataPacket } from 'mysql2';
import { type PrivateServer, startServer } from '../../support/servers.js';
import { eventually, makeWorld, type World } from '../world.js';

const MEGABYTE = 1024 * 1024;
const ROWS = 100_000;

/** What the option undoLimit promises of its default. */
const BOUND = 5 * 256;

/** On a machine that has much else to do; on an idle one each takes a few seconds. */
const PATIENCE_MS = 120_000;

class Undo extends Error {}

describe('large things', () => {
  let world: World;
  let idle: number;

  before(async () => {
    world = await makeWorld({
      tables: ['CREATE TABLE many (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, n INT NOT NULL)'],
    });
    idle = process.memoryUsage().rss;
  });

  after(() => world.close());

  /** What the process needs for something beyond what it needs idle, in MiB. */
  async function memoryOf(work: () => Promise<void>): Promise<number> {
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 10);
    await work();
    clearInterval(watch);
    return (peak - idle) / MEGABYTE;
  }

  /** Runs a statement and its rollback. */
  async function undone(pool: Pool, sql: string, values: readonly Buffer[] = []): Promise<void> {
    let xid = '';
    const run = world.gtx.run(async () => {
      xid = currentTransaction()!.xid;
      const [{ affectedRows }] =
        values.length > 0
          ? await pool.execute<ResultSetHeader>(sql, [...values])
          : await pool.query<ResultSetHeader>(sql);
      assert.ok(affectedRows > 0);
      throw new Undo();
    });
    await assert.rejects(run, Undo);
    const log = 'SELECT COUNT(*) AS n FROM undo_log WHERE xid = ? AND log_status <> 1';
    const left = async () => (await pool.query<RowDataPacket[]>(log, [xid]))[0][0]?.n;
    await eventually('the rollback is done', async () => (await left()) === 0, PATIENCE_MS);
  }

  describe(`${ROWS} rows in one statement`, () => {
    const rows = Array.from({ length: ROWS }, (_, at) => `(${at + 1},'name ${at}',${at % 7})`).join(',');

    it('are turned away before they are all in memory, where undoLimit is less', async () => {
      await world.first.execute(`INSERT INTO many VALUES ${rows}`);
      const { server, name } = world.first;
      const pool = createPool({ ...server.options(name), undoLimit: MEGABYTE });
      const before = await world.first.dump();
      const megabytes = await memoryOf(async () => {
        for (let turn = 0; turn < 3; turn += 1) {
          const run = world.gtx.run(() => pool.query('UPDATE many SET n = n + 1'));
          await assert.rejects(run, { code: 'UNDO_RECORD_TOO_LARGE' });
        }
      });
      await pool.end();
      assert.ok(megabytes < 100, `${megabytes} MiB`);
      assert.equal(await world.first.dump(), before);
    }).timeout(PATIENCE_MS);

    for (const [verb, sql] of [
      ['INSERT', `INSERT INTO many VALUES ${rows}`],
      ['UPDATE', 'UPDATE many SET n = n + 1'],
      ['DELETE', 'DELETE FROM many'],
    ] as const) {
      it(`are undone after ${verb}, in bounded memory`, async () => {
        await world.first.execute('TRUNCATE many');
        if (verb !== 'INSERT') await world.first.execute(`INSERT INTO many VALUES ${rows}`);
        const before = await world.first.dump();
        const megabytes = await memoryOf(() => undone(world.first.pool, sql));
        assert.ok(megabytes < BOUND, `${megabytes} MiB`);
        assert.equal(await world.first.dump(), before);
      }).timeout(PATIENCE_MS);
    }
  });

  describe('a blob of 64 MiB, whose undo record is larger than max_allowed_packet', () => {
    const photo = randomBytes(64 * MEGABYTE);
    const sha = createHash('sha256').update(photo).digest('hex');
    let server: PrivateServer;
    let pool: Pool;

    before(async () => {
      server = await startServer({ arguments: ['--max-allowed-packet=80M'], flushLogAtCommit: 2 });
      const database = await server.createDatabase();
      await server.execute('CREATE TABLE photos (id INT PRIMARY KEY, photo LONGBLOB, n INT)', database);
      pool = createPool(server.options(database));
    });

    after(async () => {
      await pool.end();
      await server.stop();
    });

    async function photos(): Promise<RowDataPacket[]> {
      return (await pool.query<RowDataPacket[]>('SELECT id, SHA2(photo, 256) AS sha, n FROM photos'))[0];
    }

    it('is undone after INSERT, in bounded memory', async () => {
      const insert = () => undone(pool, 'INSERT INTO photos VALUES (1, ?, 1)', [photo]);
      const megabytes = await memoryOf(insert);
      assert.ok(megabytes < BOUND, `${megabytes} MiB`);
      assert.deepEqual(await photos(), []);
    }).timeout(PATIENCE_MS);

    for (const sql of ['UPDATE photos SET n = 2', 'DELETE FROM photos']) {
      it(`is undone after ${sql.slice(0, 6)}, in bounded memory`, async () => {
        if ((await photos()).length === 0) await pool.execute('INSERT INTO photos VALUES (1, ?, 1)', [photo]);
        const megabytes = await memoryOf(() => undone(pool, sql));
        assert.ok(megabytes < BOUND, `${megabytes} MiB`);
        assert.deepEqual(await photos(), [{ id: 1, sha, n: 1 }]);
      }).timeout(PATIENCE_MS);
    }
  });
});
