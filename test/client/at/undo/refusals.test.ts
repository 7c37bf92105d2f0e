import assert from 'node:assert/strict';
import { UndoWorld } from './undo-world.js';

const TABLES = [
  `CREATE TABLE stock (
    id INT PRIMARY KEY, sku VARCHAR(20) NOT NULL UNIQUE, qty INT NOT NULL, note VARCHAR(40) NULL, bin VARBINARY(8) NULL
  ) DEFAULT CHARSET=utf8mb4`,
  "INSERT INTO stock VALUES (1, 'a', 10, NULL, x'00'), (2, 'b', 20, 'x', NULL), (3, 'c', 30, '', x'')",
];

const BRANCH = [
  "UPDATE stock SET qty = qty - 1, note = 'sold', bin = x'01' WHERE id = 1",
  'DELETE FROM stock WHERE id = 2',
  "INSERT INTO stock VALUES (4, 'd', 40, 'new', NULL)",
];

describe('A rollback that meets a dirty write', () => {
  let world: UndoWorld;

  beforeEach(async () => {
    world = await UndoWorld.create(...TABLES);
  });

  afterEach(() => world.close());

  it('touches nothing, and names the row and its columns', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run("UPDATE stock SET qty = 7, note = 'secret' WHERE id = 1");
    await world.assertRefused(branch, 'DIRTY_WRITE', /\.stock \(id = 1\): qty, note$/);
  });

  it('does not tell values of columns beside the key', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run("UPDATE stock SET note = 'secret' WHERE id = 1");
    const { detail } = await world.compensate(branch);
    assert.doesNotMatch(detail, /secret|sold/);
  });

  it('refuses each of a hundred kinds of change by someone else, and restores once it is taken back', async () => {
    const changes = [
      'UPDATE stock SET qty = 10 WHERE id = 1',
      'UPDATE stock SET note = NULL WHERE id = 1',
      "UPDATE stock SET note = '' WHERE id = 1",
      "UPDATE stock SET note = 'SOLD' WHERE id = 1",
      "UPDATE stock SET note = 'sold ' WHERE id = 1",
      "UPDATE stock SET bin = x'0100' WHERE id = 1",
      'UPDATE stock SET bin = NULL WHERE id = 1',
      "UPDATE stock SET sku = 'A' WHERE id = 1",
      'DELETE FROM stock WHERE id = 1',
      'UPDATE stock SET id = 9 WHERE id = 1',
      "INSERT INTO stock VALUES (2, 'z', 0, NULL, NULL)",
      "INSERT INTO stock VALUES (2, 'b', 20, 'y', NULL)",
      "UPDATE stock SET sku = 'D' WHERE id = 4",
      'UPDATE stock SET bin = id WHERE id = 4',
      "UPDATE stock SET note = 'New' WHERE id = 4",
      ...Array.from({ length: 43 }, (_, at) => `UPDATE stock SET qty = ${100 + at} WHERE id = 1`),
      ...Array.from({ length: 42 }, (_, at) => `UPDATE stock SET note = '${at}' WHERE id = 4`),
    ];
    assert.equal(changes.length, 100);
    const before = await world.dump();
    const branch = await world.branch(['stock'], ...BRANCH);
    const after = await world.dump();
    const session = await world.session();
    for (const change of changes) {
      await world.run(change);
      const dirty = await world.dump();
      assert.notEqual(dirty, after, change);
      const answer = await world.compensate(branch, session);
      assert.equal(answer.code, 'DIRTY_WRITE', `${change}: ${answer.detail}`);
      assert.equal(await world.dump(), dirty, change);
      await world.run(
        'DELETE FROM stock WHERE id <> 3',
        "INSERT INTO stock VALUES (1, 'a', 9, 'sold', x'01'), (4, 'd', 40, 'new', NULL)",
      );
      assert.equal(await world.dump(), after, change);
    }
    assert.equal((await world.compensate(branch, session)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
  }).timeout(120_000);

  it('counts the rows that it does not name', async () => {
    const rows = Array.from({ length: 30 }, (_, at) => `(${at + 100}, 'sku${at}', 1, NULL, NULL)`);
    await world.run(`INSERT INTO stock VALUES ${rows.join(', ')}`);
    const branch = await world.branch(['stock'], 'UPDATE stock SET qty = 2 WHERE id >= 100');
    await world.run('UPDATE stock SET qty = 3 WHERE id >= 100');
    await world.assertRefused(branch, 'DIRTY_WRITE', /; and 20 more rows$/);
  });

  it('goes on where a person has restored some of the rows', async () => {
    const before = await world.dump();
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run(
      "UPDATE stock SET qty = 10, note = NULL, bin = x'00' WHERE id = 1",
      "INSERT INTO stock VALUES (2, 'b', 20, 'x', NULL)",
    );
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), before);
  });
});

describe('A rollback that the database does not take', () => {
  let world: UndoWorld;

  beforeEach(async () => {
    world = await UndoWorld.create(...TABLES);
  });

  afterEach(() => world.close());

  it('says so when someone else has taken the unique value that must come back', async () => {
    const branch = await world.branch(['stock'], "UPDATE stock SET sku = 'free' WHERE id = 1");
    await world.run("INSERT INTO stock VALUES (8, 'a', 1, NULL, NULL)");
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /1062.*'a'/);
  });

  it('says so when the parent of a row that must come back is gone', async () => {
    await world.run(
      'CREATE TABLE line_items (id INT PRIMARY KEY, stock INT NOT NULL, FOREIGN KEY (stock) REFERENCES stock (id))',
      'INSERT INTO line_items VALUES (1, 3)',
    );
    const branch = await world.branch(['line_items'], 'DELETE FROM line_items');
    await world.run('DELETE FROM stock WHERE id = 3');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /1452/);
  });

  it('says so when someone else has given a child to a row that must go', async () => {
    await world.run(
      'CREATE TABLE line_items (id INT PRIMARY KEY, stock INT, FOREIGN KEY (stock) REFERENCES stock (id))',
    );
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run('INSERT INTO line_items VALUES (1, 4)');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /1451/);
  });

  for (const action of ['CASCADE', 'SET NULL']) {
    it(`does not let ON DELETE ${action} reach a child of someone else`, async () => {
      await world.run(
        `CREATE TABLE \`my lines\` (id INT PRIMARY KEY, stock INT, FOREIGN KEY (stock) REFERENCES stock (id) ON DELETE ${action})`,
      );
      const branch = await world.branch(['stock'], ...BRANCH);
      await world.run('INSERT INTO `my lines` VALUES (1, 4)');
      await world.assertRefused(branch, 'COMPENSATION_REFUSED', /my lines refer to rows of .*stock/);
      await world.run('DELETE FROM `my lines`');
      assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    });
  }

  it('takes its own children away before a parent whose deletion cascades', async () => {
    await world.run(
      'CREATE TABLE line_items (id INT PRIMARY KEY, stock INT, FOREIGN KEY (stock) REFERENCES stock (id) ON DELETE CASCADE)',
    );
    for (const tables of [
      ['stock', 'line_items'],
      ['line_items', 'stock'],
    ]) {
      await world.assertRestored(
        tables,
        "INSERT INTO stock VALUES (4, 'd', 40, 'new', NULL)",
        'INSERT INTO line_items VALUES (1, 4), (2, 4)',
      );
    }
  });

  it('says so when a CHECK has come that the old value does not meet', async () => {
    const branch = await world.branch(['stock'], 'UPDATE stock SET qty = 1 WHERE id = 3');
    await world.run('ALTER TABLE stock ADD CONSTRAINT few CHECK (qty < 25)');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /3819|4025/);
  });

  it('says so when columns have come or gone since', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run('ALTER TABLE stock ADD COLUMN extra INT NULL');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /with the new columns extra/);
    await world.run('ALTER TABLE stock DROP COLUMN extra, DROP COLUMN note');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /without the columns note/);
    await world.run('ALTER TABLE stock ADD COLUMN note VARCHAR(40) NULL FIRST');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /another order/);
  });

  it('says so when the table is gone', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run('RENAME TABLE stock TO attic');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /stock is not there any more/);
  });

  it('says so when a trigger has come, whose writes nobody would take back', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run('CREATE TRIGGER bump BEFORE UPDATE ON stock FOR EACH ROW SET NEW.qty = NEW.qty + 1');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /trigger `bump`/);
  });

  it('says so when a column has become too small for the old value', async () => {
    await world.run("UPDATE stock SET note = 'long' WHERE id = 2");
    const branch = await world.branch(['stock'], "UPDATE stock SET note = 'n' WHERE id = 2");
    await world.run('ALTER TABLE stock MODIFY note VARCHAR(1) NULL');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /stock \(id = 2\): note$/);
  });

  it('says so when the server takes the old value in another form, by reading it back', async () => {
    await world.run(
      'CREATE TABLE sums (id INT PRIMARY KEY, n DECIMAL(10,3))',
      'INSERT INTO sums VALUES (1, 1.125)',
    );
    const branch = await world.branch(['sums'], 'UPDATE sums SET n = NULL');
    await world.run('ALTER TABLE sums MODIFY n DECIMAL(10,2)');
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /sums \(id = 1\): n$/);
  });

  it('says so when the undo record is broken', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run(`UPDATE undo_log SET rollback_info = REVERSE(rollback_info) WHERE xid = '${branch.xid}'`);
    await world.assertRefused(branch, 'COMPENSATION_REFUSED', /digest/);
  });

  it('says so when the undo record is that of another branch', async () => {
    const branch = await world.branch(['stock'], ...BRANCH);
    await world.run(`UPDATE undo_log SET branch_id = 77 WHERE xid = '${branch.xid}'`);
    await world.assertRefused({ ...branch, branchId: '77' }, 'COMPENSATION_REFUSED', /that of branch/);
  });

  it('is not misled by a definition from before the key was another one', async () => {
    await world.run('CREATE TABLE named (id INT NOT NULL, n INT NOT NULL, UNIQUE one (id))');
    await world.run('INSERT INTO named VALUES (1, 10), (2, 20)');
    await world.assertRestored(
      ['named'],
      'UPDATE named SET n = 11 WHERE id = 1',
      'DELETE FROM named WHERE id = 2',
    );
    for (const key of ['UNIQUE other (id)', 'PRIMARY KEY (id, n)']) {
      const drop = key.startsWith('UNIQUE') ? 'one' : 'other';
      await world.run(`ALTER TABLE named DROP INDEX ${drop}, ADD ${key}`);
      await world.assertRestored(
        ['named'],
        'UPDATE named SET n = 11 WHERE id = 1',
        'DELETE FROM named WHERE id = 2',
      );
    }
  });
});
