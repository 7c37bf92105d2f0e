import { SECTIONS, type StatementKind, TABLES } from './statement-kinds.js';

const SERVERS = { mysql: 'MySQL', mariadb: 'MariaDB' } as const;

/** What other implementations are known to get wrong, and the test that it is not so here. */
export const KNOWN_FAILURES: readonly (readonly [failure: string, file: string, test: string])[] = [
  [
    'READ COMMITTED: a row that comes between the before image and the UPDATE is changed, and not in the undo log',
    'test/end-to-end/known-failures.test.ts',
    'takes no row back that came between the reading and the statement, under READ COMMITTED',
  ],
  [
    'two branches on one row are rolled back in forward order',
    'test/end-to-end/known-failures.test.ts',
    'undoes two branches on one row from the last to the first',
  ],
  [
    'a row deleted and inserted again: the rollback meets a duplicate key',
    'test/end-to-end/known-failures.test.ts',
    'brings a row back that was deleted and inserted again in one local transaction',
  ],
  [
    'INSERT IGNORE or ON DUPLICATE KEY UPDATE: the rollback deletes rows that were there before',
    'test/end-to-end/known-failures.test.ts',
    'leaves the rows that INSERT IGNORE, ON DUPLICATE KEY UPDATE and REPLACE have met',
  ],
  [
    'a generated column in the compensating INSERT',
    'test/end-to-end/known-failures.test.ts',
    'brings rows with generated columns back',
  ],
  [
    'children taken by ON DELETE CASCADE are lost',
    'test/end-to-end/known-failures.test.ts',
    'brings the children back that ON DELETE CASCADE has taken',
  ],
  [
    "a trigger's writes are left behind",
    'test/client/at/table/load.test.ts',
    'refuses every change of a table with a trigger, and names it',
  ],
  [
    "keys that contain the separator, or are longer than the lock table's column",
    'test/end-to-end/known-failures.test.ts',
    'tells keys apart that have separators in them, and takes long ones',
  ],
  [
    'a lock outlives its transaction after a failed unlock',
    'test/server/core/recovery.test.ts',
    'carries phase two on as soon as the resource is enlisted, newest first',
  ],
  [
    "a dirty rollback is tried again, and succeeds over someone's newer write",
    'test/end-to-end/known-failures.test.ts',
    'that has met a dirty write is not tried again over what somebody writes later',
  ],
  [
    "a branch's order is taken from a time stamp of too coarse a grain",
    'test/end-to-end/known-failures.test.ts',
    'undoes many branches of one millisecond in their order',
  ],
  [
    'MariaDB scans the undo log for `(xid, branch_id) IN ((?, ?))`',
    'test/client/at/undo/undo-log.test.ts',
    'is deleted from by the index, for one pair, two and a thousand',
  ],
];

const HEAD = `# SQL

What becomes of a statement inside a global transaction: it is carried out as it was sent, and undone to the byte if
the transaction is rolled back; or it is refused before it runs, with a code of [errors.md](errors.md), and the
connection goes on. There is no third case.

This page is written from the tests. Each row of the first table is run by
[test/end-to-end/statement-kinds.test.ts](../test/end-to-end/statement-kinds.test.ts), on MySQL and on MariaDB, as a
statement of its own and inside of a local transaction: the result header, the rows and their column definitions,
LAST_INSERT_ID() and the error are those of plain mysql2, and after the rollback every byte is what it was. Beyond the
table, \`npm run fuzz\` plays random statements on random schemas of every column type, and checks every byte by a dump,
by checksums that the server computes, and by the row events of the binary log.
`;

const LIMITS = `
## What to know

- A statement whose condition could choose other rows the second time (LIMIT, RAND(), NOW(), READ COMMITTED) is bound
  to the rows that were read for it. It may lose the warnings that its own condition would give, and with a LIMIT the error
  that strict mode makes of one: \`UPDATE ... WHERE number = '5x' LIMIT 1\` changes the row that a SELECT finds. So may an
  INSERT from a query, where the server makes the keys or rows are met. Where what a query with RAND() and its like
  gives would be an error in strict mode (a division by zero), it is refused (STATEMENT_UNSUPPORTED).
- The image of a statement is read with its bound values written as literals. The servers compare some values in two ways,
  bound or written: numbers with a FLOAT, bytes with a text, and what is no valid date, time, year or member. Where a statement is bound to the
  rows that were read, these may then be others than in plain mysql2; they are undone all the same.
- What is compared with a value that is none of its type, a number with '5x' or a time with X'41', is found, warned of or an
  error as MariaDB's choice of an index has it; where the statement is bound, that may be another than in plain mysql2.
- A value that its key or unique column stores as another (rounded, cut, clipped, a member's number) costs a query of its
  own: the server is asked for all that the column may make of it, and the rows that have one of these are read and locked.
- ROW_COUNT(), @@warning_count, SHOW WARNINGS and SHOW COUNT(*) WARNINGS speak of the statement before, as in mysql2, also
  where that was a transaction of its own: \`SELECT ROW_COUNT(), @@warning_count\` and their like, with aliases and beside
  other items, but not inside of expressions or of what writes. FOUND_ROWS() is answered after a SELECT without LIMIT.
  What cannot be answered truly is refused (STATEMENT_UNSUPPORTED): FOUND_ROWS() after a write, SHOW WARNINGS after an
  error, after a locking read, and after an UPDATE by its key or (in strict mode) an INSERT that has given warnings, behind
  which its image was read in the same packet.
- What AUTO_INCREMENT gives has gaps, as always with InnoDB, and not always those of plain mysql2. Where an INSERT IGNORE
  from a query gives some values, has others generated, and stores none of these, its insertId may be another on MySQL. Where
  all rows of a query with ON DUPLICATE KEY UPDATE meet others, it is the id of one of them, and 0 in plain mysql2. An INSERT IGNORE
  that gives one of the last values of the counter, and has others generated, is refused (STATEMENT_UNSUPPORTED). So
  are an upsert whose key is generated while the counter is at its end, unless it meets the row there by another value, too,
  and one of several rows that gives one of the last values and has others generated, or under READ COMMITTED meets no row
  that is there already.
- A key that an UPDATE over a join changes must be given a value that is known beforehand: by columns that the statement does
  not change (but for the key's own), and not by a subquery, a variable or a function that changes by itself. Its table may
  stand under one alias among those that are written. Where the statement writes several tables, ON UPDATE must not reach one
  of the join, and the join must find a row but once whose key changes, or that it finds by a column that changes. Else it is
  refused (STATEMENT_UNSUPPORTED).
- A view can be inserted into, updated, deleted from and read with locks where each of its rows is one of a single table,
  directly or by way of other views, and where it shows all columns of the table's key as they are: no join, subquery,
  aggregate, DISTINCT, GROUP BY, ORDER BY, LIMIT or UNION, no ALGORITHM = TEMPTABLE, no function but those that are known to
  depend on their arguments alone, no backslash in its definition. The account needs SHOW VIEW on it, for an INSERT also SELECT
  and UPDATE, and on the table what a rollback needs. Keys cannot be changed by an UPDATE of a view. What is inserted into must
  show nothing but columns of the table, none of them twice, and a column that it hides, which INSERT IGNORE, REPLACE or ON
  DUPLICATE KEY UPDATE could meet others by, must have no computed default. That a view is altered is seen at the next statement;
  what its table's definition is believed for (see [architecture.md](architecture.md)), and a table that a view has taken the
  place of, only after ten seconds.
- What one local transaction changes may take 256 MiB, before and after together, or what the option \`undoLimit\` of the
  pool or connection says, in bytes; a statement that needs more is turned away (UNDO_RECORD_TOO_LARGE), and nothing of
  its local transaction is kept. The process needs up to five times as much, for each local transaction that runs at once.
  \`max_allowed_packet\` sets no bound.
`;

function code(sql: string): string {
  return `\`${sql.replace(/\s+/g, ' ').replaceAll('|', '\\|')}\``;
}

function row({ form, sql, only, refused }: StatementKind): string {
  const where = only === undefined ? '' : ` (${SERVERS[only]})`;
  return `| ${form}${where} | ${refused === undefined ? 'yes' : refused} | ${code(sql)} |`;
}

/** docs/sql.md. */
export function sqlPage(): string {
  const sections = SECTIONS.map(
    ({ title, kinds }) =>
      `\n### ${title}\n\n| | supported | for example |\n| --- | --- | --- |\n${kinds.map(row).join('\n')}\n`,
  );
  const failures = KNOWN_FAILURES.map(([failure, file, test]) => `| ${failure} | [${test}](../${file}) |`);
  return [
    HEAD,
    '\n## Statements\n',
    ...sections,
    '\nThe tables of the examples:\n\n```sql\n',
    ...TABLES.filter((sql) => sql.startsWith('CREATE')).map((sql) => `${sql.replace(/\n\s+/g, '\n  ')};\n`),
    '```\n',
    LIMITS,
    '\n## Known failures of others\n\n| not so here | the test |\n| --- | --- |\n',
    `${failures.join('\n')}\n`,
  ].join('');
}
