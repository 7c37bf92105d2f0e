import { randomBytes } from 'node:crypto';
import { type ConnectionOptions, createConnection } from 'mysql2/promise';
import type { DatabaseKind } from './database-command.js';
import { dump } from './dump.js';

/** What of a server can be told to another process. */
export interface ServerFacts {
  readonly kind: DatabaseKind;
  /** '10.11.19', '9.7.4'. */
  readonly version: string;
  readonly port: number;
  readonly socketPath: string;
}

let databases = 0;

/** A running database server that belongs to the tests: user root, no password. */
export class DatabaseServer {
  readonly kind: DatabaseKind;
  readonly version: string;
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly socketPath: string;

  constructor(facts: ServerFacts) {
    this.kind = facts.kind;
    this.version = facts.version;
    this.port = facts.port;
    this.socketPath = facts.socketPath;
  }

  /** What mysql2's createConnection and createPool take to reach it, over TCP. */
  options(database?: string): ConnectionOptions {
    const options = { host: this.host, port: this.port, user: 'root', password: '' };
    return database === undefined ? options : { ...options, database };
  }

  /** Makes an empty database with a name that no other test has. */
  async createDatabase(prefix = 'test'): Promise<string> {
    const name = `${prefix}_${process.pid}_${++databases}_${randomBytes(3).toString('hex')}`;
    await this.execute(`CREATE DATABASE \`${name}\``);
    return name;
  }

  /** Runs statements on a connection of their own, with plain mysql2. */
  async execute(statements: string | readonly string[], database?: string): Promise<void> {
    const connection = await createConnection(this.options(database));
    try {
      for (const statement of [statements].flat()) await connection.query(statement);
    } finally {
      await connection.end();
    }
  }

  /** Definitions and rows of a database as text, byte for byte; see dump.ts for `except`. */
  dump(database: string, options?: { except?: readonly string[] }): Promise<string> {
    return dump(this.options(), database, options);
  }
}
