import assert from 'node:assert/strict';
import type { GlobalTxError } from 'globaltx';
import { ISOLATIONS } from './both-ways.js';
import { makeWorld, settled, type World } from './world.js';

/** Of what is found anew as many rows as are lost, so that their number alone says nothing. */
const STATEMENTS = [
  ...['t.id = 1', 't.u = 10', 't.id < 2', 't.v = 1'].flatMap((condition) =>
    ['e', 'f'].map(
      (other) => `UPDATE t JOIN ${other} o ON o.v = t.v SET t.v = 2, o.note = 9 WHERE ${condition}`,
    ),
  ),
  'UPDATE t STRAIGHT_JOIN e o SET t.v = 2, o.note = 9 WHERE t.id = 1 AND o.v + 0 = t.v + 0',
  'UPDATE t STRAIGHT_JOIN f o FORCE INDEX (v) SET t.v = 2, o.note = 9 WHERE t.id = 1 AND o.v < 9 AND o.v + 0 = t.v + 0',
  'UPDATE t NATURAL JOIN g SET t.v = 2, g.note = 9 WHERE t.id < 2',
  'UPDATE t JOIN g USING (v) SET t.v = 2, g.note = 9 WHERE t.id = 1',
  'UPDATE p STRAIGHT_JOIN c ON c.p_code = p.code OR c.p_code = 20 SET p.code = 20, c.note = 9 WHERE p.id = 1',
  'UPDATE p STRAIGHT_JOIN c ON c.p_id = p.id SET p.code = 20, c.note = 9 WHERE p.id = 1 AND c.p_code = 10',
];

describe('an UPDATE over a join that finds rows by what it changes', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE, v INT)',
        'INSERT INTO t VALUES (1, 10, 1), (2, 20, 2)',
        'CREATE TABLE e (k INT PRIMARY KEY, v INT, note INT)',
        'INSERT INTO e VALUES (1, 1, 0), (2, 1, 0), (3, 2, 0)',
        'CREATE TABLE f (k INT PRIMARY KEY, v INT, note INT, KEY v (v))',
        'INSERT INTO f VALUES (1, 1, 0), (2, 1, 0), (3, 2, 0)',
        'CREATE TABLE g (k INT PRIMARY KEY, v INT, note INT)',
        'INSERT INTO g VALUES (1, 1, 0), (2, 1, 0), (3, 2, 0)',
        'CREATE TABLE p (id INT PRIMARY KEY, code INT UNIQUE)',
        'CREATE TABLE c (k INT PRIMARY KEY, p_id INT, p_code INT, note INT, ' +
          'FOREIGN KEY (p_code) REFERENCES p (code) ON UPDATE CASCADE)',
        'INSERT INTO p VALUES (1, 10), (2, 30)',
        'INSERT INTO c VALUES (1, 1, 10, 0), (2, 1, 10, 0), (3, 1, 30, 0), (4, 2, 30, 0)',
      ],
    });
  });

  after(() => world.close());

  for (const isolation of ISOLATIONS) {
    for (const sql of STATEMENTS) {
      it(`is undone to the byte, or not kept: ${sql} (${isolation})`, async () => {
        const before = await world.first.dump();
        const undo = new Error('undo it');
        await assert.rejects(
          world.gtx.run({ name: 'wandering' }, async () => {
            const connection = await world.first.pool.getConnection();
            try {
              await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
              await connection.query(sql);
              assert.notEqual(await world.first.dump(), before);
            } finally {
              await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
              connection.release();
            }
            throw undo;
          }),
          (error) => error === undo || (error as GlobalTxError).code === 'IMAGE_MISMATCH',
        );
        await settled(world);
        assert.equal(await world.first.dump(), before);
      });
    }
  }
});
