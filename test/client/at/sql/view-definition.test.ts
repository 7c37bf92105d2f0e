import assert from 'node:assert/strict';
import { readViewDefinition } from '../../../../src/client/at/sql/view-definition.js';

type Read = ReturnType<typeof readViewDefinition>;

/** As both servers spell them. */
const READ: readonly (readonly [text: string, read: Read])[] = [
  [
    'select `db`.`t`.`id` AS `id`,`db`.`t`.`a` AS `b` from `db`.`t`',
    { from: { schema: 'db', name: 't' }, columns: ['id', 'a'], conditional: false },
  ],
  [
    "select `x`.`id` AS `k`,`x`.`a``b` AS `n` from `d b`.`t` `x` where ((`x`.`a` > 1) and (upper(`x`.`c`) <> 'Q'))",
    { from: { schema: 'd b', name: 't' }, columns: ['id', 'a`b'], conditional: true },
  ],
  [
    "select `y`.`k` AS `k`,`y`.`n` + 1 AS `m`,concat(`y`.`k`,'it''s, from') AS `q`,case when `y`.`k` > 1 then 'x' else NULL end AS `c`," +
      'cast(`y`.`k` as char charset utf8mb4) AS `d`,-(`y`.`k`) AS `e`,1 AS `f` from `db`.`v2` `y` ' +
      "where `y`.`n` between 1 and 9 and (`y`.`n` is not null or `y`.`k` in (1,2)) and `y`.`d` > DATE'2020-01-01'",
    {
      from: { schema: 'db', name: 'v2' },
      columns: ['k', null, null, null, null, null, null],
      conditional: true,
    },
  ],
  [
    'select `t`.`id` AS `group by` from `t`',
    { from: { schema: null, name: 't' }, columns: ['id'], conditional: false },
  ],
];

const REFUSED: readonly (readonly [text: string, refused: RegExp])[] = [
  ['select distinct `t`.`id` AS `id` from `d`.`t`', /DISTINCT/],
  ['select `t`.`id` AS `id` from (`d`.`t` join `d`.`u` on((`t`.`id` = `u`.`id`)))', /join/],
  ['select `t`.`id` AS `id` from `d`.`t` join (select 1 AS `1`) `s`', /JOIN/],
  ['select `t`.`id` AS `id` from `d`.`t`,`d`.`u`', /, behind/],
  ['select `t`.`id` AS `id` from `d`.`t` USE INDEX (PRIMARY)', /USE/],
  ['select `t`.`id` AS `id` from `d`.`t` PARTITION (`p0`)', /PARTITION/],
  ['select `t`.`id` AS `id` from `d`.`t` order by `t`.`a`', /ORDER/],
  ['select `t`.`id` AS `id` from `d`.`t` where (`t`.`a` > 1) limit 3', /LIMIT/],
  ['select `t`.`id` AS `id` from `d`.`t` where `t`.`a` > 1 group by `t`.`id`', /GROUP/],
  ['select `t`.`id` AS `id` from `d`.`t` union select `u`.`id` AS `id` from `d`.`u`', /UNION/],
  ['select `t`.`id` AS `id` from `d`.`t` where 1 union select `u`.`id` AS `id` from `d`.`u`', /UNION/],
  ['select `t`.`id` AS `id`,count(0) AS `c` from `d`.`t`', /aggregate/],
  ['select `t`.`id` AS `id`,count(0) over () AS `c` from `d`.`t`', /aggregate/],
  ['select `t`.`id` AS `id` from `d`.`t` where rand() < 0.5', /changing/],
  ['select `t`.`id` AS `id` from `d`.`t` where `t`.`at` > current_timestamp()', /changing/],
  ['select `t`.`id` AS `id`,`f`(1) AS `f` from `d`.`t`', /stored function/],
  ['select `t`.`id` AS `id`,`d`.`lower`(1) AS `f` from `d`.`t`', /stored function/],
  ['select `t`.`id` AS `id` from `d`.`t` where nextval(`d`.`s`) > 1', /stored function/],
  ['select `t`.`id` AS `id` from `d`.`t` where exists(select 1 from `d`.`u`)', /subquery/],
  ['select `t`.`id` AS `id`,(select 1) AS `one` from `d`.`t`', /subquery/],
  ['with q as (select 1 AS `1`)select `t`.`id` AS `id` from `d`.`t`', /WITH/],
  ['(select `t`.`id` AS `id` from `d`.`t`)', /\( at its beginning/],
  ['select 1 AS `one`', /no table/],
  ["select `t`.`id` AS `id` from `d`.`t` where `t`.`a` = '\\\\' and f() or 'x'", /backslash/],
  ["select `t`.`id` AS `id` from `d`.`t` where `t`.`a` = 'open", /not understood/],
  ['', /not understood/],
];

describe("A view's definition", () => {
  for (const server of ['mysql', 'mariadb'] as const) {
    it(`gives its table and the columns that it shows (${server})`, () => {
      assert.deepEqual(
        READ.map(([text]) => readViewDefinition(text, server)),
        READ.map(([, read]) => read),
      );
    });

    it(`is refused where its rows are not for certain those of one table, and says why (${server})`, () => {
      for (const [text, refused] of REFUSED) {
        const read = readViewDefinition(text, server);
        assert.ok('refused' in read, text);
        assert.match(read.refused, refused, text);
      }
    });
  }
});
