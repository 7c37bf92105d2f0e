import assert from 'node:assert/strict';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { SqlDialect } from '../../../../src/client/at/executor.js';
import type { Statement } from '../../../../src/client/at/sql/analysis.js';
import { DETERMINISTIC } from '../../../../src/client/at/sql/functions.js';
import { analyzeUncached } from '../../../../src/client/at/sql/index.js';
import { servers } from '../../../support/servers.js';
import { MARIADB, MYSQL } from './dialects.js';
import { CONTROL_FORMS } from './forms/control.js';
import { DELETE_FORMS } from './forms/delete.js';
import { type Form, MARIADB_SCHEMA, SCHEMA } from './forms/form.js';
import { INSERT_FORMS } from './forms/insert.js';
import { INSERT_CONFLICT_FORMS } from './forms/insert-conflict.js';
import { JOINED_FORMS } from './forms/joined.js';
import { LOCKING_READ_FORMS } from './forms/locking-read.js';
import { READ_FORMS } from './forms/read.js';
import { REFUSED_FORMS } from './forms/refused.js';
import { UPDATE_FORMS } from './forms/update.js';
import { UPDATE_EXPRESSION_FORMS } from './forms/update-expressions.js';

const UNDERSTOOD = [
  ...INSERT_FORMS,
  ...INSERT_CONFLICT_FORMS,
  ...UPDATE_FORMS,
  ...UPDATE_EXPRESSION_FORMS,
  ...DELETE_FORMS,
  ...JOINED_FORMS,
  ...LOCKING_READ_FORMS,
  ...READ_FORMS,
];
const SYNTAX_ERROR = 1064;
const NO_SUCH_FUNCTION = 1305;

type RowsStatement = Extract<Statement, { kind: 'update' | 'delete' | 'lockingRead' }>;

describe('what is read', function () {
  this.timeout(60_000);
  let connection: Connection;
  let database: string;
  let dialect: SqlDialect;

  before(async () => {
    const [server] = await servers();
    database = await server.createDatabase('sql');
    dialect = server.kind === 'mysql' ? MYSQL : MARIADB;
    await server.execute(server.kind === 'mysql' ? SCHEMA : [...SCHEMA, ...MARIADB_SCHEMA], database);
    connection = await createConnection(server.options(database));
  });

  after(() => connection.end());

  const legalHere = (list: readonly Form[]): readonly string[] =>
    list
      .filter(({ only }) => only === undefined || only === dialect.server)
      .map(({ sql }) => inDatabase(sql));

  /** The forms call their database `shop`. */
  function inDatabase(sql: string): string {
    return sql.replaceAll(/\bshop\b/g, database);
  }

  async function prepare(sql: string): Promise<void> {
    const statement = await connection.prepare(sql.replace(/;$/, ''));
    await statement.close();
  }

  async function assertPrepares(sql: string, built: string): Promise<void> {
    await assert.doesNotReject(prepare(built), `${sql}\n  gives\n${built}`);
  }

  it('is legal SQL: the server prepares every statement that is understood', async () => {
    for (const sql of legalHere(UNDERSTOOD)) await assertPrepares(sql, sql);
  });

  it('is no syntax error, where it is refused or controls the transaction', async () => {
    for (const sql of legalHere([...REFUSED_FORMS, ...CONTROL_FORMS])) {
      await prepare(sql).catch((error: { errno?: number }) =>
        assert.notEqual(error.errno, SYNTAX_ERROR, sql),
      );
    }
  });

  it('gives clauses that make a locking read of the same rows', async () => {
    for (const sql of legalHere([
      ...UPDATE_FORMS,
      ...UPDATE_EXPRESSION_FORMS,
      ...DELETE_FORMS,
      ...LOCKING_READ_FORMS,
    ])) {
      const statement = rowsStatement(sql);
      if (statement !== null) await assertPrepares(sql, lockingRead(statement));
    }
  });

  it('gives a head and a tail between which another condition fits', async () => {
    for (const sql of legalHere([
      ...UPDATE_FORMS,
      ...UPDATE_EXPRESSION_FORMS,
      ...DELETE_FORMS,
      ...LOCKING_READ_FORMS,
    ])) {
      const statement = rowsStatement(sql);
      if (statement === null) continue;
      await assertPrepares(sql, `${statement.head.text} WHERE 1 = 1 ${statement.tail.text}`);
    }
  });

  it('gives of a join clauses that make a locking read of it, and a head behind which another condition fits', async () => {
    for (const sql of legalHere(JOINED_FORMS)) {
      const [statement] = analyzeUncached(sql, dialect).statements;
      if (statement?.kind !== 'joinedUpdate' && statement?.kind !== 'joinedDelete') continue;
      const where = statement.where === null ? '' : `(${statement.where.text}) AND`;
      const common = statement.with?.text ?? '';
      await assertPrepares(
        sql,
        `${common} SELECT * FROM ${statement.from.text} WHERE ${where} 1 = 1 FOR UPDATE`,
      );
      await assertPrepares(sql, `${statement.head.text} WHERE ${where} 1 = 1`);
    }
  });

  it('takes for deterministic no function that could be a stored one here', async () => {
    for (const name of DETERMINISTIC) {
      await prepare(`SELECT ${name}()`).catch((error: { errno?: number }) => {
        assert.notEqual(error.errno, NO_SUCH_FUNCTION, name);
      });
    }
  });

  it('is understood with every column name that needs no quotes', async () => {
    const [rows] = await connection.query<RowDataPacket[]>('SELECT WORD FROM information_schema.KEYWORDS');
    const names = [...new Set(rows.map(({ WORD }) => String(WORD)))].filter((word) => /^[A-Z_]+$/.test(word));
    await connection.query(
      `CREATE TABLE names (first_column INT, ${names.map((name) => `\`${name}\` INT`).join(', ')})`,
    );
    const refused: string[] = [];
    for (const name of names) {
      for (const sql of [
        `UPDATE names SET ${name} = 1 WHERE NOT ${name} AND (names.${name} > 3 OR ${name}) ORDER BY ${name} LIMIT 1`,
        `INSERT INTO names (${name}) VALUES (1)`,
        `SELECT ${name} FROM names WHERE ${name} > 1 FOR UPDATE`,
      ]) {
        const isLegal = await prepare(sql).then(
          () => true,
          () => false,
        );
        if (isLegal && analyzeUncached(sql, dialect).statements[0]?.kind === 'refused') refused.push(name);
      }
    }
    // MariaDB reserves RETURNING, MySQL does not: unquoted, it is taken for the clause.
    assert.deepEqual(new Set(refused), new Set(dialect.server === 'mysql' ? ['RETURNING'] : []));
  });

  function rowsStatement(sql: string): RowsStatement | null {
    const [statement] = analyzeUncached(sql, dialect).statements;
    assert.ok(
      statement?.kind === 'update' || statement?.kind === 'delete' || statement?.kind === 'lockingRead',
      sql,
    );
    return statement;
  }

  function lockingRead({ from, where, orderBy, limit, table }: RowsStatement): string {
    const clauses = [
      `SELECT ${table.alias === null ? '' : `\`${table.alias}\`.`}* FROM ${from.text}`,
      ...(where === null ? [] : [`WHERE ${where.text}`]),
      ...(orderBy === null ? [] : [`ORDER BY ${orderBy.text}`]),
      ...(limit === null ? [] : [`LIMIT ${limit.text}`]),
      'FOR UPDATE',
    ];
    return clauses.join(' ');
  }
});
