import type { DatabaseKind } from '../../../support/servers.js';

export interface TypeCase {
  readonly type: string;
  /** SQL expressions of values to store. */
  readonly values: readonly string[];
  readonly only?: DatabaseKind;
}

const texts = ["''", "' '", "'a  '", "'a'", "'ß'", "_utf8mb4 X'00'", "'quote'' \" ` \\\\ %_'"];
const wide = [...texts, "'é'", "'€'"];
const chinese = [...texts, "'中文'"];
const emoji = [...wide, "'😀 '", "'\u{10FFFF}'"];
const bytes = ["X''", "X'00'", "X'ff00ff'", "X'20'", "X'c3a9'"];

export const TYPES: readonly TypeCase[] = [
  { type: 'TINYINT', values: ['-128', '0', '127'] },
  { type: 'TINYINT UNSIGNED', values: ['0', '255'] },
  { type: 'BOOLEAN', values: ['TRUE', 'FALSE'] },
  { type: 'SMALLINT', values: ['-32768', '32767'] },
  { type: 'MEDIUMINT UNSIGNED', values: ['0', '16777215'] },
  { type: 'INT(7) ZEROFILL', values: ['0', '42', '4294967295'] },
  { type: 'BIGINT', values: ['-9223372036854775808', '9223372036854775807', '9007199254740993'] },
  { type: 'BIGINT UNSIGNED', values: ['0', '9223372036854775808', '18446744073709551615'] },
  { type: 'BIT(1)', values: ["b'0'", "b'1'"] },
  { type: 'BIT(13)', values: ["b'0'", "b'1000000000001'"] },
  { type: 'BIT(64)', values: ['0', '18446744073709551615', '9223372036854775808'] },
  {
    type: 'DECIMAL(65,30)',
    values: [
      '0',
      '-0.000000000000000000000000000001',
      '99999999999999999999999999999999999.999999999999999999999999999999',
    ],
  },
  { type: 'DECIMAL(10,2) ZEROFILL', values: ['0', '1.5', '99999999.99'] },
  {
    type: 'FLOAT',
    values: [
      '0.1',
      '-0e0',
      '1e-45',
      '3.4028234663852886e38',
      '-3.4028234663852886e38',
      '16777217',
      '1.17549435e-38',
    ],
  },
  { type: 'FLOAT(7,3)', values: ['1.1', '1234.567', '-9999.999'] },
  {
    type: 'DOUBLE',
    values: [
      '0.1',
      "'-0'",
      '5e-324',
      '2.2250738585072014e-308',
      '1.7976931348623157e308',
      '9007199254740993',
      '1e22',
      '-1e-7',
    ],
  },
  { type: 'DOUBLE(12,2)', values: ['1.1', '1234567890.12', '-0.01'] },
  { type: 'CHAR(10) CHARACTER SET utf8mb4', values: emoji },
  {
    type: 'CHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin',
    values: emoji,
    only: 'mariadb',
  },
  { type: 'VARCHAR(40) CHARACTER SET utf8mb4', values: [...emoji, `'${'x'.repeat(40)}'`] },
  { type: 'VARCHAR(40) CHARACTER SET utf8mb3', values: wide },
  { type: 'CHAR(20) CHARACTER SET latin1', values: wide },
  { type: 'VARCHAR(40) CHARACTER SET latin1', values: [...wide, "_latin1 X'81909d'"] },
  { type: 'VARCHAR(40) CHARACTER SET gbk', values: chinese },
  { type: 'CHAR(20) CHARACTER SET ucs2', values: [...chinese, "_ucs2 X'0020'"] },
  { type: 'VARCHAR(40) CHARACTER SET utf16le', values: emoji },
  { type: 'VARCHAR(40) CHARACTER SET ascii', values: ["''", "'a '", "_ascii X'007f'"] },
  { type: 'VARCHAR(40) CHARACTER SET sjis', values: [...texts.slice(0, 4), "'表'"] },
  { type: 'TINYTEXT CHARACTER SET utf8mb4', values: emoji },
  { type: 'TEXT CHARACTER SET latin1', values: wide },
  { type: 'MEDIUMTEXT CHARACTER SET utf8mb4', values: [...emoji, "REPEAT('é', 70000)"] },
  { type: 'LONGTEXT CHARACTER SET gbk', values: [...chinese, "REPEAT('中', 40000)"] },
  { type: 'BINARY(4)', values: bytes },
  { type: 'VARBINARY(20)', values: bytes },
  { type: 'VARCHAR(20) CHARACTER SET binary', values: bytes },
  { type: 'TINYBLOB', values: bytes },
  { type: 'BLOB', values: bytes },
  { type: 'LONGBLOB', values: [...bytes, "REPEAT(X'00ff', 100000)"] },
  { type: "ENUM('', 'a', 'ß', '2', 'b c') CHARACTER SET utf8mb4", values: ['0', '1', '2', '3', '4', '5'] },
  { type: "ENUM('x', '中') CHARACTER SET gbk", values: ['0', '1', '2'] },
  { type: "SET('a', 'é', 'b c') CHARACTER SET latin1", values: ['0', '1', '2', '7'] },
  { type: "SET('', 'a')", values: ['0', '1', '2', '3'] },
  {
    type: `SET(${Array.from({ length: 64 }, (_, index) => `'m${index}'`).join(',')})`,
    values: ['0', '18446744073709551615', '9223372036854775808'],
  },
  {
    type: 'DATE',
    values: ["'0000-00-00'", "'2020-00-10'", "'2021-02-31'", "'9999-12-31'", "'1000-01-01'", "'0001-01-01'"],
  },
  {
    type: 'DATETIME(6)',
    values: [
      "'0000-00-00 00:00:00'",
      "'2020-01-00 00:00:00.000001'",
      "'9999-12-31 23:59:59.999999'",
      "'2021-10-31 02:30:00.5'",
    ],
  },
  { type: 'DATETIME', values: ["'0000-00-00 00:00:00'", "'2021-03-28 02:30:00'"] },
  {
    type: 'TIMESTAMP(6) NULL',
    values: [
      "'0000-00-00 00:00:00'",
      "'1970-01-01 00:00:01'",
      "'2038-01-19 03:14:07.999999'",
      "'2021-10-31 00:30:00.1'",
      "'2021-10-31 01:30:00.1'",
    ],
  },
  { type: 'TIMESTAMP NULL', values: ["'0000-00-00 00:00:00'", "'2021-10-31 00:30:00'"] },
  {
    type: 'TIME(6)',
    values: ["'-838:59:59'", "'838:59:59'", "'-00:00:00.000001'", "'25:00:00.5'", "'00:00:00'"],
  },
  { type: 'TIME', values: ["'-838:59:59'", "'00:00:00'"] },
  { type: 'YEAR', values: ['0', '1901', '2000', '2155'] },
  {
    type: 'GEOMETRY',
    values: [
      "ST_GeomFromText('POINT(1 2)')",
      "ST_GeomFromText('POINT(10 20)', 4326)",
      "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1e-300 1e300))')",
    ],
  },
  { type: 'POLYGON', values: ["ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')"] },
  {
    type: 'JSON',
    values: [
      `'{"z": [1, 2.5, -0.0, 1e20, 1e-300, 18446744073709551615, -9223372036854775808, 0.1], "a": {"é😀": null}}'`,
      `'"text \\\\u0000 \\\\" "'`,
      `'[]'`,
      `'null'`,
      `'true'`,
      `'{"date": "2020-01-01", "base64:type15:AA==": ""}'`,
    ],
  },
  { type: 'VECTOR(3)', values: ["TO_VECTOR('[1,-2.5,3e-38]')"], only: 'mysql' },
  {
    type: 'UUID',
    values: ["'123E4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'"],
    only: 'mariadb',
  },
  { type: 'INET4', values: ["'0.0.0.0'", "'255.255.255.255'"], only: 'mariadb' },
  { type: 'INET6', values: ["'::'", "'::ffff:1.2.3.4'", "'2001:DB8::ff00:42:8329'"], only: 'mariadb' },
];
