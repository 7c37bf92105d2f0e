import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import { withStoredForms } from '../../../../src/client/at/branch/stored-values.js';
import { insertedKeyCondition } from '../../../../src/client/at/image/inserted.js';
import type { Clause, InsertStatement, InsertValue } from '../../../../src/client/at/sql/analysis.js';
import type { TableDefinition } from '../../../../src/client/at/table/definition.js';
import { type DatabaseServer, servers } from '../../../support/servers.js';
import { RawSession } from './session.js';

const MEMBERS = Array.from({ length: 64 }, (_, index) => `m${index}`);

const NULL: InsertValue = { kind: 'null' };
const DEFAULT: InsertValue = { kind: 'default' };

function literal(text: string): InsertValue {
  return { kind: 'literal', expression: { text, placeholders: [], offsets: [] } };
}

function placeholder(index: number): InsertValue {
  return { kind: 'placeholder', index };
}

function expression(text: string): InsertValue {
  const clause = { text, placeholders: [], offsets: [] };
  return { kind: 'expression', expression: clause, locking: clause, volatile: true };
}

/** Values of placeholders are given as SQL in `values`. */
function writer(values: readonly string[]): (value: InsertValue) => string | null {
  return (value) => {
    if (value.kind === 'placeholder') return values[value.index] ?? null;
    return 'expression' in value ? value.expression.text : null;
  };
}

function sql(value: InsertValue, values: readonly string[]): string {
  if (value.kind === 'null') return 'NULL';
  return value.kind === 'default' ? 'DEFAULT' : (writer(values)(value) ?? '');
}

describe('The rows of an INSERT', () => {
  let server: DatabaseServer;
  let database: string;
  let session: RawSession;

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('inserted');
    session = await RawSession.open(server, database, ["SET sql_mode = 'STRICT_TRANS_TABLES'"]);
  });

  beforeEach(async () => {
    for (const name of ['auto', 'pair', 'text']) await session.query(`DROP TABLE IF EXISTS ${name}`);
    await session.query('CREATE TABLE auto (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, n INT)');
    await session.query('INSERT INTO auto (n) VALUES (0), (0), (0)');
    await session.query(
      'CREATE TABLE pair (shop INT NOT NULL DEFAULT 7, id INT AUTO_INCREMENT, n INT, PRIMARY KEY (shop, id), KEY (id))',
    );
    await session.query('INSERT INTO pair (n) VALUES (0)');
    await session.query(
      "CREATE TABLE text (code VARCHAR(10) DEFAULT 'it''s' PRIMARY KEY, n INT) DEFAULT CHARACTER SET utf8mb4",
    );
    await session.query("INSERT INTO text VALUES ('5x', 0), ('05', 0)");
  });

  after(async () => {
    await session.query('SET auto_increment_increment = DEFAULT');
    await session.close();
  });

  /** An INSERT with what its columns make of its values. */
  function insertOf(
    table: TableDefinition,
    columns: readonly string[] | null,
    rows: readonly (readonly InsertValue[])[],
    values: readonly string[],
  ): Promise<InsertStatement> {
    const none: Clause = { text: '', placeholders: [], offsets: [] };
    const statement: InsertStatement = {
      ...{ kind: 'insert', table: { schema: table.schema, name: table.name, alias: null }, columns, rows },
      ...{ query: null, onConflict: { action: 'fail' }, target: none, duplicate: none, returning: none },
    };
    const dialect = { server: server.kind, noBackslashEscapes: false, ansiQuotes: false };
    const facts = {
      ...{ dialect, schema: database, autocommit: true, readOnly: false, weakIsolation: false },
      ...{ clientCharset: 'utf8mb4', selectLimited: false, chains: false, zeroIsKept: false, strict: true },
    };
    const write = (index: number) => values[index]!;
    return withStoredForms({ session: { executor: session, facts } }, statement, table, write);
  }

  async function inserted(
    name: string,
    columns: readonly string[] | null,
    rows: readonly (readonly InsertValue[])[],
    values: readonly string[] = [],
  ): Promise<readonly (readonly unknown[])[]> {
    const table = await session.table(name);
    const insert = await insertOf(table, columns, rows, values);
    const found = insertedKeyCondition(table, insert, server.kind, writer(values), 't');
    assert.ok('condition' in found, JSON.stringify(found));
    const list = columns === null ? '' : `(${columns.join(', ')})`;
    const tuples = rows.map((row) => `(${row.map((value) => sql(value, values)).join(', ')})`);
    await session.query(`INSERT INTO ${name} ${list} VALUES ${tuples.join(', ')}`);
    return (await session.find(table, found.condition)).map(({ row }) => row);
  }

  async function refusal(
    name: string,
    columns: readonly string[] | null,
    rows: readonly (readonly InsertValue[])[],
    values: readonly string[] = [],
  ): Promise<string> {
    const table = await session.table(name);
    const insert = await insertOf(table, columns, rows, values).catch((error: unknown) => {
      assert.ok(error instanceof GlobalTxError);
      return error.construct ?? '';
    });
    if (typeof insert === 'string') return insert;
    const found = insertedKeyCondition(table, insert, server.kind, writer(values));
    assert.ok('refused' in found, JSON.stringify(found));
    return found.refused;
  }

  it('are found by the keys that were generated', async () => {
    const rows = [[literal('1')], [literal('2')]];
    assert.deepEqual(await inserted('auto', ['n'], rows), [
      ['4', '1'],
      ['5', '2'],
    ]);
    assert.deepEqual(await inserted('auto', null, [[NULL, literal('3')]]), [['6', '3']]);
    assert.deepEqual(await inserted('auto', ['ID', 'n'], [[DEFAULT, literal('4')]]), [['7', '4']]);
    assert.deepEqual(await inserted('auto', ['id', 'n'], [[literal('0'), literal('5')]]), [['8', '5']]);
    assert.deepEqual(await inserted('auto', ['id', 'n'], [[placeholder(0), literal('6')]], ["'0'"]), [
      ['9', '6'],
    ]);
    assert.deepEqual(await inserted('auto', [], [[]]), [['10', null]]);
  });

  it('are found by the keys that were given', async () => {
    const rows = [
      [literal('100'), NULL],
      [placeholder(0), NULL],
    ];
    assert.deepEqual(await inserted('auto', null, rows, ["'18446744073709551614'"]), [
      ['100', null],
      ['18446744073709551614', null],
    ]);
  });

  it('are found where keys are generated in steps', async () => {
    await session.query('SET auto_increment_increment = 10');
    try {
      const rows = [[literal('1')], [literal('2')], [literal('3')]];
      const found = await inserted('auto', ['n'], rows);
      assert.deepEqual(
        found.map(([, n]) => n),
        ['1', '2', '3'],
      );
    } finally {
      await session.query('SET auto_increment_increment = DEFAULT');
    }
  });

  it('are found under 0 itself, where sql_mode lets it be a value', async () => {
    await session.query("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
    try {
      assert.deepEqual(await inserted('auto', null, [[literal('0'), literal('1')]]), [['0', '1']]);
      await session.query('DELETE FROM auto WHERE id = 0');
      assert.deepEqual(await inserted('auto', null, [[DEFAULT, literal('2')]]), [['0', '2']]);
    } finally {
      await session.query("SET sql_mode = 'STRICT_TRANS_TABLES'");
    }
  });

  it('are found by composite keys, given, generated and default parts together', async () => {
    assert.deepEqual(await inserted('pair', ['n'], [[literal('1')], [literal('2')]]), [
      ['7', '2', '1'],
      ['7', '3', '2'],
    ]);
    assert.deepEqual(await inserted('pair', ['shop', 'n'], [[literal('8'), literal('3')]]), [
      ['8', '4', '3'],
    ]);
    assert.deepEqual(await inserted('pair', null, [[DEFAULT, literal('9'), NULL]]), [['7', '9', null]]);
  });

  it('are found by text keys, also when these are written as numbers, and no others are', async () => {
    assert.deepEqual(await inserted('text', null, [[literal('5'), NULL]]), [['5', null]]);
    assert.deepEqual(await inserted('text', null, [[placeholder(0), NULL]], ["'a\\'b'"]), [["a'b", null]]);
    assert.deepEqual(await inserted('text', ['n'], [[literal('1')]]), [["it's", '1']]);
  });

  for (const [type, value, stored] of [
    ['DECIMAL(10, 2)', '1.129', '1.13'],
    ['DATETIME', "'2020-01-01 10:00:00.4'", '2020-01-01 10:00:00'],
    ['DATETIME(3)', "'2020-1-1 10:00:00.1234'", '2020-01-01 10:00:00.123'],
    ['TIMESTAMP(2)', "'2020-01-01 10:00:00.124'", '2020-01-01 10:00:00.12'],
    ['DATE', "'2020-01-01 00:00:00'", '2020-01-01'],
    ['DATE', '20200102', '2020-01-02'],
    ['TIME(1)', "'-100:00:00.11'", '-100:00:00.1'],
    ['YEAR', '99', '1999'],
    ["ENUM('a', 'b')", '2', 'b'],
    ['BIT(8)', "b'101'", Buffer.from([5])],
    ['BINARY(3)', "'a'", Buffer.from([0x61, 0, 0])],
    ['VARBINARY(3)', "X'ff'", Buffer.from([0xff])],
    ['CHAR(5)', "'a '", 'a'],
    ['BIGINT', "'-5'", '-5'],
    ['INT', 'TRUE', '1'],
    ['INT', '15e-1', '2'],
    ['FLOAT', '0.1', '0.10000000149011612'],
    ['BIT(8)', "'1'", Buffer.from([0x31])],
    ["ENUM('a', 'b')", "'2'", 'b'],
    [`SET(${MEMBERS.map((name) => `'${name}'`).join(',')})`, '18446744073709551615', MEMBERS.join(',')],
    ['VARCHAR(10)', '1.5', '1.5'],
  ] as const) {
    it(`are found by a key of type ${type} that was given as ${value}`, async () => {
      await session.query('DROP TABLE IF EXISTS given');
      await session.query(
        `CREATE TABLE given (k ${type} NOT NULL PRIMARY KEY, n INT) DEFAULT CHARACTER SET utf8mb4 ` +
          'COLLATE utf8mb4_general_ci',
      );
      await session.query("SET time_zone = '+00:00'");
      assert.deepEqual(await inserted('given', null, [[literal(value), literal('1')]]), [[stored, '1']]);
    });
  }

  it('are found by a key of type CHAR in a collation without padding, whatever sql_mode shows of its spaces', async () => {
    const collation = server.kind === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    for (const mode of ['STRICT_TRANS_TABLES', 'PAD_CHAR_TO_FULL_LENGTH']) {
      await session.query('DROP TABLE IF EXISTS given');
      await session.query(
        `CREATE TABLE given (k CHAR(5) CHARACTER SET utf8mb4 COLLATE ${collation} DEFAULT 'b ' PRIMARY KEY, n INT)`,
      );
      await session.query(`SET sql_mode = '${mode}'`);
      try {
        for (const [value, stored] of [
          [literal("' '"), ''],
          [literal("'a  '"), 'a'],
          [literal("_utf8mb4'c'"), 'c'],
          [literal('7'), '7'],
          [DEFAULT, 'b'],
        ] as const) {
          const found = await inserted('given', null, [[value, literal('1')]]);
          assert.deepEqual(found, [[stored, '1']], mode);
        }
      } finally {
        await session.query("SET sql_mode = 'STRICT_TRANS_TABLES'");
      }
    }
  });

  it('of a TIMESTAMP key that is given as NULL are refused: it may mean now', async () => {
    await session.query('CREATE TABLE IF NOT EXISTS stamps (k TIMESTAMP NOT NULL PRIMARY KEY)');
    assert.match(await refusal('stamps', null, [[NULL]]), /TIMESTAMP/);
    assert.match(await refusal('stamps', null, [[placeholder(0)]], ['NULL']), /TIMESTAMP/);
  });

  it('of given and generated keys together are found', async () => {
    const rows = await inserted('auto', null, [
      [literal('2000'), literal('1')],
      [NULL, literal('2')],
      [literal('0'), literal('3')],
      [literal('3000'), literal('4')],
    ]);
    assert.deepEqual(rows, [
      ['2000', '1'],
      ['2001', '2'],
      ['2002', '3'],
      ['3000', '4'],
    ]);
  });

  it('of generated keys and 0, where it is a value like others, are found', async () => {
    await session.query("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
    try {
      const rows = await inserted('auto', null, [
        [NULL, literal('1')],
        [literal('0'), literal('2')],
        [NULL, literal('3')],
      ]);
      assert.deepEqual(rows, [
        ['0', '2'],
        ['4', '1'],
        ['5', '3'],
      ]);
    } finally {
      await session.query("SET sql_mode = 'STRICT_TRANS_TABLES'");
    }
  });

  it('are refused when their keys are computed', async () => {
    assert.match(await refusal('text', null, [[expression('UUID()'), NULL]]), /expression.*`code`/);
    await session.query('CREATE TABLE stamped (at TIMESTAMP DEFAULT CURRENT_TIMESTAMP PRIMARY KEY, n INT)');
    assert.match(await refusal('stamped', ['n'], [[literal('1')]]), /without a value.*`at`/);
  });

  it('by the hundred are found by the index alone', async () => {
    const rows = Array.from({ length: 300 }, (_, n) => [literal(String(n))]);
    assert.equal((await inserted('auto', ['n'], rows)).length, 300);
  });
});
