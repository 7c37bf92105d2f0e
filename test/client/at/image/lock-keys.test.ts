import assert from 'node:assert/strict';
import { type DatabaseKind, type DatabaseServer, servers } from '../../../support/servers.js';
import { RawSession, RESTORING } from './session.js';

interface KeyCase {
  readonly type: string;
  readonly values: readonly string[];
  readonly only?: DatabaseKind;
}

function text(value: string): string {
  return `_utf8mb4 X'${Buffer.from(value, 'utf8').toString('hex')}'`;
}

const LATIN = [
  '',
  ' ',
  '  ',
  'a',
  'A',
  'a ',
  'a  ',
  ' a',
  'b',
  'á',
  'ä',
  'ae',
  'Æ',
  'ß',
  'ss',
  's',
  'SS',
  'ö',
  'oe',
  'Å',
];
const CONTROLS = ['\0', 'a\0', 'a\0 ', 'a \0', 'a\x01 ', 'a\t', 'a\n', '\x7f', 'a/b', 'a%2fb', '#'];
const WORLD = [
  'ch',
  'CH',
  'c',
  'cz',
  'ı',
  'I',
  'i',
  'İ',
  'ñ',
  'n',
  '中',
  '文',
  'あ',
  'ア',
  'ｱ',
  '😀',
  '😁',
  'a\u0301',
  '\u00ad',
  'ﷺ',
  'x'.repeat(60),
  `${'x'.repeat(60)} `,
  `${'X'.repeat(60)}`,
];
const LONG = ['ß'.repeat(60), 'ss'.repeat(60), `${'y'.repeat(119)}a`, `${'y'.repeat(119)}b`];

function texts(
  charset: string,
  collations: readonly string[],
  values: readonly string[],
  only?: DatabaseKind,
): KeyCase[] {
  return collations.map((collation) => ({
    type: `VARCHAR(130) CHARACTER SET ${charset} COLLATE ${collation}`,
    values: values.map(text),
    ...(only === undefined ? {} : { only }),
  }));
}

const CASES: readonly KeyCase[] = [
  ...texts(
    'utf8mb4',
    [
      'utf8mb4_general_ci',
      'utf8mb4_unicode_ci',
      'utf8mb4_unicode_520_ci',
      'utf8mb4_bin',
      'utf8mb4_german2_ci',
      'utf8mb4_czech_ci',
      'utf8mb4_turkish_ci',
      'utf8mb4_spanish2_ci',
    ],
    [...LATIN, ...CONTROLS, ...WORLD, ...LONG],
  ),
  ...texts(
    'utf8mb4',
    [
      'utf8mb4_0900_ai_ci',
      'utf8mb4_0900_as_cs',
      'utf8mb4_0900_as_ci',
      'utf8mb4_0900_bin',
      'utf8mb4_ja_0900_as_cs_ks',
      'utf8mb4_zh_0900_as_cs',
      'utf8mb4_de_pb_0900_ai_ci',
    ],
    [...LATIN, ...CONTROLS, ...WORLD, ...LONG],
    'mysql',
  ),
  ...texts(
    'utf8mb4',
    [
      'utf8mb4_uca1400_ai_ci',
      'utf8mb4_uca1400_as_cs',
      'utf8mb4_uca1400_as_ci',
      'utf8mb4_uca1400_ai_cs',
      'utf8mb4_uca1400_nopad_as_cs',
      'utf8mb4_uca1400_nopad_ai_ci',
      'utf8mb4_nopad_bin',
      'utf8mb4_general_nopad_ci',
      'utf8mb4_unicode_nopad_ci',
    ],
    [...LATIN, ...CONTROLS, ...WORLD, ...LONG],
    'mariadb',
  ),
  ...texts('utf8mb3', ['utf8mb3_general_ci', 'utf8mb3_bin'], [...LATIN, ...CONTROLS]),
  ...texts(
    'latin1',
    ['latin1_swedish_ci', 'latin1_german2_ci', 'latin1_general_cs', 'latin1_bin'],
    [...LATIN, ...CONTROLS],
  ),
  ...texts('gbk', ['gbk_chinese_ci', 'gbk_bin'], ['', 'a', 'A', 'a ', '中', '文', '中 ', ...CONTROLS]),
  ...texts('ucs2', ['ucs2_general_ci', 'ucs2_unicode_ci', 'ucs2_bin'], [...LATIN, ...CONTROLS]),
  ...texts('utf16', ['utf16_unicode_ci'], [...LATIN, ...CONTROLS]),
  ...texts('sjis', ['sjis_japanese_ci'], ['', 'a', 'A ', '表', 'ア', 'ｱ', ...CONTROLS]),
  ...texts('tis620', ['tis620_thai_ci'], ['', 'a', 'A ', 'ก', 'เก', ...CONTROLS]),
  ...texts('cp1250', ['cp1250_czech_cs'], ['', 'a', 'A ', 'a ', 'ch', 'č', 'c']),
  { type: 'CHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin', values: ["''", "'a '", "'a'", "'A'"] },
  { type: 'VARBINARY(10)', values: ["X''", "X'00'", "X'20'", "'a'", "'a '", "'A'"] },
  { type: 'BINARY(3)', values: ["X''", "X'00'", "X'20'", "'a'"] },
  { type: 'FLOAT', values: ['0e0', '-0e0', '0.1', '1e-45', '-1e-45'] },
  { type: 'DOUBLE', values: ['0e0', '-0e0', '5e-324', '1e22', '10000000000000000000000e0'] },
  { type: 'DOUBLE(10,2)', values: ['0e0', '-0.001e0', '-0e0', '1.1'] },
  { type: 'DECIMAL(10,2)', values: ['0', '-0.001', '1.10', '1.1'] },
  { type: 'INT(5) ZEROFILL', values: ['0', '5', '00005'] },
  { type: 'BIT(10)', values: ['0', '1', '513'] },
  { type: "ENUM('a', 'b')", values: ['0', '1', '2'] },
  { type: "SET('a', 'b')", values: ['0', '1', '3'] },
  { type: 'TIME(3)', values: ["'00:00:00'", "'-00:00:00'", "'-00:00:00.001'"] },
  { type: 'DATETIME(3)', values: ["'0000-00-00'", "'2020-01-01'", "'2020-01-01 00:00:00.001'"] },
  { type: 'TIMESTAMP(3)', values: ["'0000-00-00'", "'2021-10-31 00:30:00'", "'2021-10-31 01:30:00'"] },
  { type: 'YEAR', values: ['0', '2000', '1999'] },
  {
    type: 'UUID',
    values: ["'123E4567-e89b-12d3-a456-426655440000'", "'123e4567e89b12d3a456426655440000'"],
    only: 'mariadb',
  },
  { type: 'INET6', values: ["'::1'", "'0:0::1'", "'::2'"], only: 'mariadb' },
];

describe('The lock key of a value', () => {
  let server: DatabaseServer;
  let database: string;
  let session: RawSession;

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('locks');
    session = await RawSession.open(server, database, RESTORING);
  });

  after(() => session.close());

  for (const { type, values, only } of CASES) {
    it(`is equal exactly when the database calls the values equal: ${type}`, async () => {
      if (only !== undefined && only !== server.kind) return;
      const name = `t${CASES.findIndex((each) => each.type === type)}`;
      await session.query(
        `CREATE TABLE ${name} (id INT PRIMARY KEY, v ${type} NULL) DEFAULT CHARACTER SET utf8mb4`,
      );
      await session.query(
        `INSERT INTO ${name} VALUES ${values.map((value, id) => `(${id}, ${value})`).join(',')}`,
      );
      // The index must not be in the way of equal values: it is in the definition only.
      const loaded = await session.table(name);
      const table = { ...loaded, uniques: [{ name: 'v', columns: ['v'], prefixes: [null], nullable: true }] };
      const keys = (await session.image(table, 'ORDER BY id')).map(({ uniques }) => uniques[0]);
      const { rows } = await session.query(
        `SELECT a.id, b.id, a.v = b.v FROM ${name} AS a JOIN ${name} AS b ON a.id < b.id ORDER BY a.id, b.id`,
      );
      const wrong = rows.flatMap(([a, b, equal]) => {
        const [one, other] = [Number(a), Number(b)];
        return (keys[one] === keys[other]) === (String(equal) === '1')
          ? []
          : [`${values[one]} and ${values[other]}: ${keys[one]}, ${keys[other]}, equal: ${equal}`];
      });
      assert.deepEqual(wrong, []);
    });
  }

  it('of a prefix index is that of the indexed part', async () => {
    await session.query(
      'CREATE TABLE prefixes (id INT PRIMARY KEY, v VARCHAR(20), b VARBINARY(20), UNIQUE (v(3)), UNIQUE (b(2))) ' +
        'DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci',
    );
    await session.query("INSERT INTO prefixes VALUES (1, 'äöüx', 'abc'), (2, 'b', 'b'), (3, NULL, NULL)");
    const first = await session.image(await session.table('prefixes'), 'ORDER BY id');
    await session.query('DELETE FROM prefixes');
    await session.query("INSERT INTO prefixes VALUES (1, 'AOUy', 'abd'), (2, 'b ', 'b'), (3, NULL, NULL)");
    const second = await session.image(await session.table('prefixes'), 'ORDER BY id');
    assert.deepEqual(
      second.map(({ uniques }) => uniques),
      first.map(({ uniques }) => uniques),
    );
    assert.deepEqual(first[2]?.uniques, [null, null]);
  });

  it('names the row by its primary key, part by part', async () => {
    await session.query(
      'CREATE TABLE parts (a VARCHAR(5), b VARCHAR(5), PRIMARY KEY (a, b)) COLLATE utf8mb4_bin',
    );
    await session.query("INSERT INTO parts VALUES ('a/', 'b'), ('a', '/b'), ('', 'a/b')");
    const identities = (await session.image(await session.table('parts'))).map(({ identity }) => identity);
    assert.equal(new Set(identities).size, 3);
    for (const identity of identities) assert.match(identity, /^PRIMARY\//);
  });
});
