import assert from 'node:assert/strict';
import { explain } from 'globaltx';
import { createConnection } from 'mysql2/promise';
import { cli } from '../../../src/client/cli/cli.js';
import type { Explanation } from '../../../src/client/explain/explanation.js';
import { type DatabaseServer, servers } from '../../support/servers.js';

describe('An explanation of a statement', () => {
  let server: DatabaseServer;
  let database: string;
  let untouched: string;

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('explain');
    await server.execute(
      [
        'CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, visits INT NOT NULL DEFAULT 0, UNIQUE (name))',
        'CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, customer INT, note VARCHAR(20), FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE)',
        "INSERT INTO customer VALUES (1, 'Ann', 3), (2, 'Bob', 5), (3, 'Cid', 8)",
        "INSERT INTO orders (customer, note) VALUES (1, 'tea'), (1, 'jam'), (2, 'oil')",
        'CREATE TABLE heap (n INT)',
        'CREATE VIEW loud AS SELECT id, UPPER(name) AS name FROM customer',
        'CREATE VIEW regular (no, times) AS SELECT id, visits FROM customer WHERE visits > 4',
      ],
      database,
    );
    untouched = await server.dump(database);
  });

  afterEach(async () => {
    assert.equal(await server.dump(database), untouched, 'nothing of it has run');
  });

  async function explained(sql: string, values: readonly unknown[] = []): Promise<Explanation> {
    const explanations = await explain(server.options(database), sql, values);
    assert.equal(explanations.length, 1);
    return explanations[0]!;
  }

  it('names the rows of an UPDATE with their lock keys, what reads them, and what would put them back', async () => {
    const told = await explained('UPDATE customer SET visits = visits + ? WHERE id >= ?', [1, 2]);
    assert.equal(told.verdict, 'captured');
    assert.equal(told.kind, 'update');
    assert.equal(told.bound, false);
    assert.equal(told.runs, 'UPDATE customer SET visits = visits + ? WHERE id >= ?');
    assert.match(told.queries[0]!, /FROM customer\s+WHERE id >= 2\s+FOR UPDATE/);
    const [table] = told.tables;
    assert.equal(table?.table, `${database}.customer`);
    assert.deepEqual(
      table?.rows.map(({ key, before: row }) => [key, row.visits]),
      [
        ['id = 2', '5'],
        ['id = 3', '8'],
      ],
    );
    assert.equal(new Set(table?.rows.map(({ lockKey }) => lockKey)).size, 2);
    assert.equal(told.compensation.length, 2);
    assert.match(told.compensation[1]!, /UPDATE .*`customer`.* SET `visits` = 8 WHERE `id` IN \(3\)/);
  });

  it('tells a statement that would be bound by key, with the text in its place', async () => {
    const told = await explained('UPDATE customer SET visits = 0 ORDER BY visits DESC LIMIT 1');
    assert.equal(told.bound, true);
    assert.match(told.runs ?? '', /`id` IN \(3\)/);
  });

  it('follows a deletion to the rows that a foreign key takes along', async () => {
    const told = await explained('DELETE FROM customer WHERE id = 1');
    assert.deepEqual(
      told.tables.map(({ table, rows }) => [table, rows.length]),
      [
        [`${database}.customer`, 1],
        [`${database}.orders`, 2],
      ],
    );
    const [parent, children] = told.compensation;
    assert.match(parent!, /INSERT INTO .*`customer` .* VALUES \(1, .*, 3\)$/);
    assert.match(children!, /INSERT INTO .*`orders` .* VALUES \(1, 1, .*\), \(2, 1, .*\)$/);
  });

  it('shows the rows of the table behind a view', async () => {
    const told = await explained('UPDATE regular SET times = 0 ORDER BY times LIMIT 1');
    assert.match(told.queries[0]!, /FROM regular/);
    assert.match(told.runs ?? '', /`regular`\.`no` IN \(2\)/);
    assert.deepEqual(
      told.tables.map(({ table, rows }) => [table, rows.map(({ key }) => key)]),
      [[`${database}.customer`, ['id = 2']]],
    );
    assert.match(told.compensation.join(), /UPDATE .*`customer`.* SET `visits` = 5 WHERE `id` IN \(2\)$/);
    assert.equal((await explained('SELECT * FROM regular FOR UPDATE')).verdict, 'captured');
    const inserted = await explained('INSERT IGNORE INTO regular VALUES (9, 9)');
    assert.equal(inserted.verdict, 'captured');
    assert.deepEqual(inserted.compensation, [`DELETE FROM \`${database}\`.\`customer\` WHERE \`id\` = 9`]);
    assert.equal((await explained('INSERT INTO regular (name) VALUES (9)')).verdict, 'captured');
    const refused = await explained('INSERT INTO loud VALUES (9, 9)');
    assert.match(refused.refusal?.construct ?? '', /INSERT into a view/);
  });

  it('says how an INSERT would be taken away, and what it cannot know', async () => {
    const given = await explained('INSERT INTO customer (id, name) VALUES (?, ?)', [9, 'Dot']);
    assert.deepEqual(given.compensation, [`DELETE FROM \`${database}\`.\`customer\` WHERE \`id\` = 9`]);
    const generated = await explained("INSERT INTO orders (customer, note) VALUES (1, 'new')");
    assert.deepEqual(generated.compensation, []);
    assert.match(generated.remarks.join(' '), /known only once they are there/);
  });

  it('gives the refusal and why', async () => {
    const ddl = await explained('TRUNCATE TABLE orders');
    assert.equal(ddl.verdict, 'refused');
    assert.equal(ddl.refusal?.code, 'STATEMENT_UNSUPPORTED');
    assert.match(ddl.refusal?.construct ?? '', /TRUNCATE/);
    assert.equal(ddl.runs, null);
    const keyless = await explained('UPDATE heap SET n = 1');
    assert.equal(keyless.refusal?.code, 'TABLE_UNSUPPORTED');
  });

  it('lets a read pass, and gives what the database itself has against a statement', async () => {
    assert.equal((await explained('SELECT * FROM customer')).verdict, 'passes');
    const wrong = await explained('UPDATE customer SET visits = 1 WHERE nonsense = 1');
    assert.equal(wrong.refusal?.code, 'SERVER');
    assert.match(wrong.refusal?.message ?? '', /nonsense/);
  });

  it('does not wait long for a row that somebody else has locked', async () => {
    const other = await createConnection(server.options(database));
    await other.query('BEGIN');
    await other.query('SELECT * FROM customer WHERE id = 1 FOR UPDATE');
    const told = await explained('DELETE FROM orders WHERE customer = 1');
    assert.equal(told.verdict, 'captured', 'rows of another table are free');
    const waited = await explained('UPDATE customer SET visits = 1 WHERE id = 1');
    assert.equal(waited.refusal?.code, 'SERVER');
    assert.match(waited.refusal?.message ?? '', /[Ll]ock wait timeout/);
    await other.end();
  }).timeout(30_000);

  it('is a command too: for people, and as JSON for programs', async () => {
    const { port } = server;
    const url = `mysql://root@127.0.0.1:${port}/${database}`;
    const call = async (...args: string[]) => {
      let out = '';
      const status = await cli(['explain', '--database', url, ...args], {
        out: (text) => {
          out += text;
        },
        error: (text) => {
          out += text;
        },
      });
      return { status, out };
    };
    const people = await call('--values', '[2]', 'UPDATE customer SET visits = 0 WHERE id = ?');
    assert.equal(people.status, 0);
    assert.match(people.out, /supported \(update\)/);
    assert.match(people.out, /id = 2/);
    assert.match(people.out, /a rollback would run:\n {2}UPDATE/);
    const refused = await call('--json', 'DROP TABLE customer');
    assert.equal(refused.status, 1);
    const [told] = JSON.parse(refused.out) as Explanation[];
    assert.equal(told?.verdict, 'refused');
    assert.equal((await call()).status, 2);
    assert.equal((await call('--values', '{}', 'SELECT 1')).status, 1);
  });
});
