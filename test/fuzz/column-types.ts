import { TYPES } from '../client/at/image/types.js';
import type { DatabaseKind } from '../support/servers.js';

export type Family =
  | 'integer'
  | 'decimal'
  | 'float'
  | 'bit'
  | 'text'
  | 'bytes'
  | 'enum'
  | 'set'
  | 'json'
  | 'date'
  | 'timestamp'
  | 'time'
  | 'year'
  | 'address'
  | 'spatial'
  | 'vector';

export interface ColumnType {
  readonly sql: string;
  readonly family: Family;
  /** SQL expressions without placeholders, edges before all. */
  readonly values: readonly string[];
  /** Whether an index may hold it: as a whole, in a prefix of some characters, or not at all. */
  readonly indexed: 'whole' | 'prefix' | 'no';
}

const FAMILIES: readonly (readonly [RegExp, Family])[] = [
  [/^(?:TINY|SMALL|MEDIUM|BIG)?INT|^BOOLEAN/, 'integer'],
  [/^DECIMAL/, 'decimal'],
  [/^(?:FLOAT|DOUBLE)/, 'float'],
  [/^BIT/, 'bit'],
  [/^(?:VAR)?CHAR.* CHARACTER SET binary|BINARY|BLOB/, 'bytes'],
  [/CHAR|TEXT/, 'text'],
  [/^ENUM/, 'enum'],
  [/^SET/, 'set'],
  [/^JSON/, 'json'],
  [/^DATE/, 'date'],
  [/^TIMESTAMP/, 'timestamp'],
  [/^TIME/, 'time'],
  [/^YEAR/, 'year'],
  [/^(?:UUID|INET)/, 'address'],
  [/^(?:GEOMETRY|POINT|LINESTRING|POLYGON)/, 'spatial'],
  [/^VECTOR/, 'vector'],
];

/** Values that meet again and again, so that keys collide. */
const SMALL_INTEGERS = ['1', '2', '3', '4', '5', '6', '7', "'8'", '0', '+9'];

function familyOf(type: string): Family {
  const found = FAMILIES.find(([pattern]) => pattern.test(type.replace(/^(ENUM|SET)\(.*/s, '$1')));
  if (found === undefined) throw new Error(`no family for the column type ${type}`);
  return found[1];
}

function indexedAs(type: string, family: Family): ColumnType['indexed'] {
  if (family === 'json' || family === 'spatial' || family === 'vector') return 'no';
  return /TEXT|BLOB/.test(type) ? 'prefix' : 'whole';
}

function columnType(sql: string, values: readonly string[]): ColumnType {
  const family = familyOf(sql);
  const more = family === 'integer' && !/UNSIGNED|BOOLEAN/.test(sql) ? [...SMALL_INTEGERS, '-1'] : [];
  return { sql, family, values: [...values, ...more], indexed: indexedAs(sql, family) };
}

/** What compares as equal in one collation and not in another, and what a careless lock key would mix up. */
const KEY_TEXTS = [
  'a',
  'A',
  'a ',
  'á',
  'ä',
  'ae',
  'æ',
  'ss',
  'ß',
  '',
  ' ',
  'a_b',
  'a,b',
  'a:b',
  "it''s",
  'a%',
  '1',
  '01',
  '1x',
  'b',
  'B',
  'z',
];
const keyTexts = KEY_TEXTS.map((text) => `'${text}'`);

const COLLATIONS: Readonly<Record<DatabaseKind, readonly string[]>> = {
  mariadb: [
    'utf8mb4_general_ci',
    'utf8mb4_unicode_ci',
    'utf8mb4_bin',
    'utf8mb4_nopad_bin',
    'utf8mb4_unicode_520_nopad_ci',
    'latin1_swedish_ci',
    'latin1_german2_ci',
    'latin1_general_cs',
    'latin1_bin',
    'utf8mb4_uca1400_ai_ci',
    'utf8mb4_swedish_ci',
    'utf16_unicode_ci',
  ],
  mysql: [
    'utf8mb4_0900_ai_ci',
    'utf8mb4_0900_as_cs',
    'utf8mb4_0900_bin',
    'utf8mb4_general_ci',
    'utf8mb4_bin',
    'utf8mb4_unicode_ci',
    'utf8mb4_ja_0900_as_cs_ks',
    'utf8mb4_de_pb_0900_ai_ci',
    'latin1_swedish_ci',
    'latin1_german2_ci',
    'latin1_bin',
    'utf16_unicode_ci',
  ],
};

function texts(server: DatabaseKind): ColumnType[] {
  return COLLATIONS[server].flatMap((collation) => {
    const charset = collation.split('_')[0]!;
    // MariaDB keeps values apart in an index over such a CHAR that it calls equal.
    const lengths = /_nopad_(?!bin$)/.test(collation) ? ['VARCHAR(20)'] : ['VARCHAR(20)', 'CHAR(8)'];
    return lengths.map((type) =>
      columnType(`${type} CHARACTER SET ${charset} COLLATE ${collation}`, keyTexts),
    );
  });
}

const INTEGERS = ['INT', 'BIGINT', 'INT UNSIGNED', 'SMALLINT', 'TINYINT'].map((sql) =>
  columnType(sql, [...SMALL_INTEGERS, sql === 'TINYINT' ? '127' : '32767']),
);

/** A large value costs much and shows little: it comes rarely enough by itself among so many types. */
const isLarge = (value: string) => /REPEAT\(/.test(value);

/** Every type that the server has. */
export function columnTypes(server: DatabaseKind): readonly ColumnType[] {
  const edges = TYPES.filter(({ only }) => only === undefined || only === server);
  return [
    ...edges.map(({ type, values }) =>
      columnType(
        type,
        values.filter((value) => !isLarge(value)),
      ),
    ),
    ...texts(server),
    ...INTEGERS,
    ...INTEGERS,
  ];
}

/** Types that a key of the table may be of, the common ones more often. */
export function keyTypes(server: DatabaseKind): readonly ColumnType[] {
  const whole = columnTypes(server).filter(({ indexed }) => indexed === 'whole');
  return [...whole, ...texts(server), ...INTEGERS, ...INTEGERS, ...INTEGERS, ...INTEGERS, ...INTEGERS];
}
