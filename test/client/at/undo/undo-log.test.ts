import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { UndoRecord } from '../../../../src/client/at/image/row.js';
import { resourceTableDdl, undoLogDdl } from '../../../../src/client/at/undo/ddl.js';
import { decodeUndoRecord, encodeUndoRecord } from '../../../../src/client/at/undo/encoding.js';
import { showBranch } from '../../../../src/client/at/undo/show-branch.js';
import {
  deleteUndoLogsSql,
  insertDefenceSql,
  insertUndoLogSql,
  readUndoLogSql,
  removeDefenceRecordsSql,
} from '../../../../src/client/at/undo/undo-log.js';
import { GlobalTxError } from '../../../../src/protocol/errors.js';
import { newXid } from '../../../../src/protocol/xid.js';
import { UndoWorld } from './undo-world.js';

function record(xid: string, branchId: string, bytes: number): UndoRecord {
  const change = { before: ['1', randomBytes(bytes)], after: null };
  return {
    xid,
    branchId,
    tables: [{ schema: 's', table: 't', columns: ['id', 'n'], key: ['id'], changes: [change] }],
  };
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof GlobalTxError && error.code === code;
}

describe('The undo log', () => {
  let world: UndoWorld;

  before(async () => {
    world = await UndoWorld.create(
      'CREATE TABLE t (id INT PRIMARY KEY, n INT, name VARCHAR(9)) CHARSET=utf8mb4',
    );
  });

  after(() => world.close());

  it('is made by the DDL that people are given, whatever schema it names', async () => {
    await world.run('DROP TABLE undo_log', 'DROP TABLE globaltx_resource');
    await world.run(undoLogDdl(), resourceTableDdl());
    await world.run(undoLogDdl(world.database), resourceTableDdl(world.database));
    assert.match(undoLogDdl('a`b'), /^CREATE TABLE IF NOT EXISTS `a``b`\.`undo_log` \(/);
  });

  it('is deleted from by the index, for one pair, two and a thousand', async () => {
    const keys = Array.from({ length: 3000 }, (_, at) => ({ xid: newXid(), branchId: String(at) }));
    const connection = await createConnection(world.server.options(world.database));
    try {
      for (let from = 0; from < keys.length; from += 500) {
        const rows = keys
          .slice(from, from + 500)
          .map(({ xid, branchId }) => `(${branchId}, '${xid}', '', x'00', 0, NOW(6), NOW(6))`);
        await connection.query(
          `INSERT INTO undo_log (branch_id, xid, context, rollback_info, log_status, log_created, log_modified) VALUES ${rows.join(', ')}`,
        );
      }
      await connection.query('ANALYZE TABLE undo_log');
      const explain = world.server.kind === 'mysql' ? 'EXPLAIN FORMAT=TRADITIONAL' : 'EXPLAIN';
      let gone = 0;
      for (const count of [1, 2, 3, 1000]) {
        const sql = deleteUndoLogsSql(world.database, keys.slice(gone, gone + count));
        const [[plan]] = await connection.query<RowDataPacket[]>(`${explain} ${sql}`);
        assert.equal(plan?.key, 'ux_undo_log', `${count}: ${JSON.stringify(plan)}`);
        assert.ok(Number(plan?.rows) <= count, JSON.stringify(plan));
        const [{ affectedRows }] = await connection.query<import('mysql2').ResultSetHeader>(sql);
        assert.equal(affectedRows, count);
        gone += count;
      }
      const [[left]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM undo_log');
      assert.equal(left?.n, keys.length - gone);
      const removal = removeDefenceRecordsSql(world.database, 1000, 10);
      const [[plan]] = await connection.query<RowDataPacket[]>(`${explain} ${removal}`);
      assert.equal(plan?.key, 'ix_log_created');
    } finally {
      await connection.end();
    }
  });

  it('removes old defence records, and leaves those that Seata has left', async () => {
    await world.run(undoLogDdl());
    const row = (branchId: number, context: string, status: number, days: number) =>
      `INSERT INTO undo_log VALUES (${branchId}, 'x', '${context}', '', ${status}, UTC_TIMESTAMP(6) - INTERVAL ${days} DAY, UTC_TIMESTAMP(6))`;
    const { executor } = await world.session();
    await executor.query(insertDefenceSql(world.database, { xid: 'x', branchId: '1' }));
    await executor.query(insertDefenceSql(world.database, { xid: 'x', branchId: '2' }));
    await world.run(
      'UPDATE undo_log SET log_created = log_created - INTERVAL 3 DAY WHERE branch_id = 1',
      row(3, 'serializer=jackson&compressorType=NONE', 1, 3),
      row(4, 'serializer=globaltx-1&compress=none', 0, 3),
    );
    const { affectedRows } = await executor.query(removeDefenceRecordsSql(world.database, 86_400_000, 10));
    assert.equal(affectedRows, 1);
    const { rows } = await executor.query(
      "SELECT branch_id FROM undo_log WHERE xid = 'x' ORDER BY branch_id",
    );
    assert.deepEqual(rows.flat().map(String), ['2', '3', '4']);
  });

  it('takes no xid or branch id that is none', () => {
    const encoded = encodeUndoRecord(record('', '', 10));
    const insert = (xid: string, branchId: string) => insertUndoLogSql('s', { xid, branchId }, encoded);
    assert.throws(() => insert("x' OR '1", '1'), hasCode('INVALID_XID'));
    assert.throws(() => insert('x', '1 OR 1'), hasCode('INTERNAL'));
  });

  it('restores rows from a record of many megabytes', async () => {
    await world.run('CREATE TABLE photos (id INT PRIMARY KEY, photo LONGBLOB)');
    const { executor } = await world.session();
    for (let id = 0; id < 4; id += 1) {
      await executor.query(`INSERT INTO photos VALUES (${id}, x'${randomBytes(700_000).toString('hex')}')`);
    }
    await world.assertRestored(
      ['photos'],
      'DELETE FROM photos WHERE id > 0',
      'UPDATE photos SET photo = NULL',
    );
  });

  it('shows an operator both images, the present row and what it is', async () => {
    await world.run("INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')");
    const branch = await world.branch(
      ['t'],
      'UPDATE t SET n = n + 10 WHERE id < 3',
      'DELETE FROM t WHERE id = 3',
    );
    await world.run('UPDATE t SET n = 99 WHERE id = 2', "INSERT INTO t VALUES (3, 3, 'c')");
    const { executor } = await world.session();
    const shown = await showBranch(executor, world.toUndo(branch));
    assert.equal(shown.record, 'images');
    const [table] = shown.tables;
    assert.deepEqual(
      [table?.table, table?.columns, table?.key, table?.exists],
      ['t', ['id', 'n', 'name'], ['id'], true],
    );
    assert.deepEqual(
      table?.rows.map(({ before, after, present, state }) => ({ before, after, present, state })),
      [
        { before: ['1', '1', 'a'], after: ['1', '11', 'a'], present: [['1', '11', 'a']], state: 'after' },
        { before: ['2', '2', 'b'], after: ['2', '12', 'b'], present: [['2', '99', 'b']], state: 'dirty' },
        { before: ['3', '3', 'c'], after: null, present: [['3', '3', 'c']], state: 'before' },
      ],
    );
    await world.run('ALTER TABLE t DROP COLUMN n, ADD COLUMN m INT FIRST');
    const [altered] = (await showBranch(executor, world.toUndo(branch))).tables;
    assert.deepEqual(altered?.rows[0]?.present, [['1', null, 'a']]);
    await world.run('DROP TABLE t');
    const [dropped] = (await showBranch(executor, world.toUndo(branch))).tables;
    assert.deepEqual([dropped?.exists, dropped?.rows[0]?.present], [false, []]);
    const unknown = { xid: newXid(), branchId: '1' };
    assert.equal((await showBranch(executor, world.toUndo(unknown))).record, 'none');
    await world.compensate(unknown);
    assert.equal((await showBranch(executor, world.toUndo(unknown))).record, 'defence');
  });
});

describe('An undo record in the table', () => {
  it('is the one that was written', async () => {
    const world = await UndoWorld.create('CREATE TABLE t (id INT PRIMARY KEY)');
    try {
      const branch = await world.branch(['t'], 'INSERT INTO t VALUES (1)');
      const { executor } = await world.session();
      const { rows } = await executor.query(readUndoLogSql(world.database, branch));
      const record = decodeUndoRecord(String(rows[0]?.[0]), rows[0]?.[1] ?? Buffer.alloc(0));
      assert.deepEqual(record, {
        ...branch,
        tables: [
          {
            schema: world.database,
            table: 't',
            columns: ['id'],
            key: ['id'],
            changes: [{ before: null, after: ['1'] }],
          },
        ],
      });
    } finally {
      world.close();
    }
  });
});
