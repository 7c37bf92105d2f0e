import { GlobalTx } from 'globaltx';
import globaltxMysql from 'globaltx/mysql2/promise';
import mysql, { type Connection, type ConnectionOptions, type Pool } from 'mysql2/promise';
import { type RunningCoordinator, startCoordinator } from '../support/coordinator.js';
import type { DatabaseServer } from '../support/database-server.js';
import { freePort } from '../support/free-port.js';
import { BinaryLog } from './binary-log.js';
import type { DatabaseIndex, Plan, Profile } from './plan.js';
import { createTable, createView, firstRow, type Place, tableName, viewName, viewsOf } from './render.js';
import type { RowChange } from './row-events.js';

/** What the application's pools are made with, beside the address. */
export const PROFILES: Readonly<Record<Profile, ConnectionOptions>> = {
  plain: {},
  latin1: { charset: 'latin1_swedish_ci' },
  strings: { dateStrings: true, supportBigNumbers: true, bigNumberStrings: true, timezone: 'Z' },
  // Without typeCast, mysql2 cannot read the answers to execute().
  arrays: { rowsAsArray: true, decimalNumbers: true },
};

/**
 * How many prepared statements mysql2 keeps open on each connection: with its own default, the connections of a long run
 * would come to hold more than max_prepared_stmt_count.
 */
const STATEMENTS_KEPT = 50;

/** What the client would warn of is found out by the checks. */
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

type Pair = readonly [string, string];

function openingStatements(place: Place, database: DatabaseIndex): string {
  return `USE ${place.databases[database]}; SET timestamp = 1600000000.5`;
}

/** What makes the tables of one database and puts the first rows in. */
function schemaStatements(plan: Plan, database: DatabaseIndex): readonly ((place: Place) => string)[] {
  const tables = plan.tables.flatMap((table, at) =>
    table.database === database && table.columns.length > 0 ? [at] : [],
  );
  const rows = plan.rows.flatMap(({ table }, at) => (tables.includes(table) ? [at] : []));
  return [
    ...tables.map((table) => (place: Place) => createTable(plan, place, table)),
    ...viewsOf(plan, database).map((view) => (place: Place) => createView(plan, place, view)),
    ...rows.map((row) => (place: Place) => firstRow(plan, place, row)),
  ];
}

/**
 * Two databases that transactions of globaltx change, their twins that plain mysql2 changes, and a coordinator.
 * One of them a process, because a process has one client of the coordinator.
 */
export class Lane {
  readonly server: DatabaseServer;
  readonly gtx: GlobalTx;
  readonly subject: Pair;
  readonly twin: Pair;
  readonly #coordinator: RunningCoordinator;
  readonly #metricsPort: number;
  readonly #admin: Connection;
  /** Undefined where the server writes none. */
  #log: BinaryLog | undefined;
  readonly #pools = new Map<string, Pool>();
  readonly #twins = new Map<Profile, Connection>();
  #plays = 0;

  private constructor(
    server: DatabaseServer,
    gtx: GlobalTx,
    databases: readonly [Pair, Pair],
    coordinator: RunningCoordinator,
    metricsPort: number,
    admin: Connection,
  ) {
    this.server = server;
    this.gtx = gtx;
    [this.subject, this.twin] = databases;
    this.#coordinator = coordinator;
    this.#metricsPort = metricsPort;
    this.#admin = admin;
  }

  static async open(server: DatabaseServer): Promise<Lane> {
    const metricsPort = await freePort();
    const coordinator = await startCoordinator({
      args: ['--metrics-port', String(metricsPort), '--log-level', 'warn'],
    });
    const gtx = await GlobalTx.connect({
      coordinator: coordinator.address,
      application: 'fuzz',
      logger: SILENT,
    });
    const pair = async (prefix: string): Promise<Pair> => [
      await server.createDatabase(`${prefix}a`),
      await server.createDatabase(`${prefix}b`),
    ];
    const databases = [await pair('subject_'), await pair('twin_')] as const;
    const admin = await mysql.createConnection({
      ...server.options(),
      charset: 'utf8mb4',
      multipleStatements: true,
    });
    await admin.query("SET sql_mode = '', time_zone = '+00:00', lock_wait_timeout = 30");
    const lane = new Lane(server, gtx, databases, coordinator, metricsPort, admin);
    lane.#log = await BinaryLog.at(lane, databases.flat());
    return lane;
  }

  /** A pool of the application, on the first or the second database. */
  pool(database: DatabaseIndex, profile: Profile): Pool {
    const key = `${database} ${profile}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const options = {
        ...this.server.options(this.subject[database]),
        ...PROFILES[profile],
        connectionLimit: 4,
        maxPreparedStatements: STATEMENTS_KEPT,
      };
      pool = globaltxMysql.createPool(options);
      this.#pools.set(key, pool);
    }
    return pool;
  }

  /** The one connection of plain mysql2 that plays transactions on the twins. */
  async twinConnection(profile: Profile): Promise<Connection> {
    const known = this.#twins.get(profile);
    if (known !== undefined) return known;
    const made = await mysql.createConnection({
      ...this.server.options(this.twin[0]),
      ...PROFILES[profile],
      maxPreparedStatements: STATEMENTS_KEPT,
    });
    this.#twins.set(profile, made);
    return made;
  }

  /** After a failure nobody knows what state it is in. */
  forgetTwinConnection(profile: Profile): void {
    this.#twins.get(profile)?.destroy();
    this.#twins.delete(profile);
  }

  /** Makes a plan's tables and first rows in both pairs of databases; the names are new each time. */
  async prepare(plan: Plan): Promise<readonly [subject: Place, twin: Place]> {
    this.#plays += 1;
    // Table definitions are cached by name: a name that comes again with another definition would be noticed late.
    const prefix = `r${this.#plays}_`;
    const [subject, twin] = [this.subject, this.twin].map((databases) => ({ databases, prefix })) as [
      Place,
      Place,
    ];
    const taken: ((place: Place) => string)[] = [];
    for (const database of [0, 1] as const) {
      const statements = schemaStatements(plan, database);
      if (statements.length === 0) continue;
      await this.#admin.query(openingStatements(subject, database));
      const use = (place: Place) => openingStatements(place, database);
      taken.push(use);
      for (const statement of statements) if (await this.#takes(statement(subject))) taken.push(statement);
    }
    // The twin gets what the subject has taken, in one round trip.
    if (taken.length > 0) await this.#admin.query(taken.map((statement) => statement(twin)).join(';\n'));
    return [subject, twin];
  }

  /** What the server does not take from a random schema stays out, on both sides. */
  async #takes(sql: string): Promise<boolean> {
    try {
      await this.#admin.query(sql);
      return true;
    } catch (error) {
      if ((error as { sqlState?: string }).sqlState === undefined) throw error;
      this.rejected.push({ sql, error: String(error) });
      return false;
    }
  }

  /** Statements of schemas and first rows that the server did not take. */
  readonly rejected: { readonly sql: string; readonly error: string }[] = [];

  async drop(plan: Plan, places: readonly Place[]): Promise<void> {
    const names = places.flatMap((place) =>
      plan.tables.map(({ database }, at) => `${place.databases[database]}.${tableName(place, at)}`),
    );
    if (names.length === 0) return;
    const views = places.flatMap((place) =>
      plan.views.map(
        ({ table }, at) => `${place.databases[plan.tables[table]?.database ?? 0]}.${viewName(place, at)}`,
      ),
    );
    if (views.length > 0) await this.#admin.query(`DROP VIEW IF EXISTS ${views.join(', ')}`);
    await this.#admin.query(
      `SET foreign_key_checks = 0; DROP TABLE IF EXISTS ${names.join(', ')}; SET foreign_key_checks = 1`,
    );
  }

  /** Rows of the undo log that hold images of these transactions. */
  async undoLogRows(xids: readonly string[]): Promise<number> {
    if (xids.length === 0) return 0;
    let count = 0;
    for (const database of this.subject) {
      const [made] = await this.#admin.query(`SHOW TABLES FROM ${database} LIKE 'undo_log'`);
      if ((made as unknown[]).length === 0) continue;
      const [rows] = await this.#admin.query(
        `SELECT COUNT(*) AS count FROM ${database}.undo_log WHERE log_status = 0 AND xid IN (?)`,
        [xids],
      );
      count += (rows as { count: number }[])[0]!.count;
    }
    return count;
  }

  /** Global locks that the coordinator holds. */
  async locks(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`);
    const value = /^globaltx_locks(?:\{[^}]*\})? (\d+)/m.exec(await response.text())?.[1];
    if (value === undefined)
      throw new Error('the metrics of the coordinator do not tell how many locks are held');
    return Number(value);
  }

  /** Runs a query of the checks. */
  async ask(sql: string): Promise<readonly (readonly unknown[])[]> {
    const [rows] = await this.#admin.query({ sql, rowsAsArray: true });
    return rows as unknown as readonly (readonly unknown[])[];
  }

  /** The rows that the server has changed since the last time that it was asked. */
  async changes(): Promise<readonly RowChange[]> {
    return (await this.#log?.changes()) ?? [];
  }

  /** Runs several queries at once. */
  async askAll(sql: string): Promise<readonly (readonly (readonly unknown[])[])[]> {
    const [results] = await this.#admin.query({ sql, rowsAsArray: true });
    return results as unknown as readonly (readonly (readonly unknown[])[])[];
  }

  async close(): Promise<void> {
    await this.#log?.close();
    for (const pool of this.#pools.values()) await pool.end();
    for (const connection of this.#twins.values()) await connection.end();
    for (const database of [...this.subject, ...this.twin])
      await this.#admin.query(`DROP DATABASE ${database}`);
    await this.#admin.end();
    await this.gtx.close();
    await this.#coordinator.stop();
  }
}
