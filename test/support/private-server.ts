import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { makeDataFolder, sizeArguments } from './data-folder.js';
import { type DatabaseCommand, databaseCommand, userArguments } from './database-command.js';
import { DatabaseServer } from './database-server.js';
import { freePort } from './free-port.js';
import { keepProcess, removeFolder, temporaryFolder } from './keeper.js';

export interface ServerOptions {
  /** innodb_flush_log_at_trx_commit. 1 survives a power cut; 2 only a kill, and is faster. Default: 1. */
  readonly flushLogAtCommit?: 0 | 1 | 2;
  /** Whether it writes a binary log. Default: false. */
  readonly binaryLog?: boolean;
  /** More arguments for the server's command line; they come last and win. */
  readonly arguments?: readonly string[];
}

/** How long a server may take from its start to its first answer; recovery after a kill included. */
const START_MS = 60_000;
const STOP_MS = 30_000;

/** A database server of one's own: it may be killed, stopped and started again. */
export class PrivateServer extends DatabaseServer {
  readonly #command: DatabaseCommand;
  readonly #folder: string;
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;

  private constructor(command: DatabaseCommand, folder: string, port: number, options: ServerOptions) {
    super({ kind: command.kind, version: command.version, port, socketPath: join(folder, 'server.sock') });
    this.#command = command;
    this.#folder = folder;
    this.#options = options;
  }

  /** Makes a data directory and starts a server on it. */
  static async start(options: ServerOptions = {}): Promise<PrivateServer> {
    const command = await databaseCommand();
    const folder = temporaryFolder(command.kind);
    await makeDataFolder(join(folder, 'data'));
    await mkdir(join(folder, 'temporary'));
    // root may come over TCP: without name resolution 127.0.0.1 is not 'localhost'.
    await writeFile(
      join(folder, 'init.sql'),
      "CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';\nGRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n",
    );
    for (let attempt = 1; ; attempt++) {
      const server = new PrivateServer(command, folder, await freePort(), options);
      try {
        await server.start();
        return server;
      } catch (error) {
        // Between the look for a free port and the server's bind somebody else may have taken it.
        if (attempt < 5 && /address already in use/i.test(String(error))) continue;
        await server.stop();
        throw error;
      }
    }
  }

  /** The running process; undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it again on the same data and the same port, after `kill` or a crash. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.kind} on port ${this.port} runs already`);
    const errors = openSync(join(this.#folder, 'error.log'), 'a');
    const child = spawn(this.#command.path, this.#arguments(), {
      stdio: ['ignore', errors, errors],
      // Not in the terminal's process group: on Ctrl-C the tests end first, then their servers.
      detached: true,
      cwd: this.#folder,
    });
    closeSync(errors);
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    await once(child, 'spawn');
    keepProcess(child);
    child.unref();
    this.#child = child;
    await this.#answering();
  }

  /** Sends a signal (default: SIGKILL) and waits until the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.ref();
    const gone = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(late);
    this.#child = undefined;
  }

  /** Clean shutdown, then start on the same data and port. */
  async restart(): Promise<void> {
    await this.kill('SIGTERM');
    await this.start();
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.kill('SIGKILL');
    await removeFolder(this.#folder);
  }

  #arguments(): string[] {
    const common = [
      ...this.#command.firstArguments,
      ...userArguments(),
      `--datadir=${join(this.#folder, 'data')}`,
      `--tmpdir=${join(this.#folder, 'temporary')}`,
      `--socket=${this.socketPath}`,
      `--pid-file=${join(this.#folder, 'server.pid')}`,
      `--init-file=${join(this.#folder, 'init.sql')}`,
      `--port=${this.port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--max-connections=500',
      '--character-set-server=utf8mb4',
      '--performance-schema=OFF',
      `--innodb-flush-log-at-trx-commit=${this.#options.flushLogAtCommit ?? 1}`,
      ...sizeArguments(this.#command),
    ];
    const binaryLog = this.#options.binaryLog ? ['--log-bin=binlog', '--server-id=1'] : ['--skip-log-bin'];
    const own = this.kind === 'mysql' ? ['--mysqlx=OFF'] : [];
    return [...common, ...binaryLog, ...own, ...(this.#options.arguments ?? [])];
  }

  async #answering(): Promise<void> {
    const until = Date.now() + START_MS;
    let last: unknown;
    while (Date.now() < until) {
      if (this.#child === undefined) {
        throw new Error(`${this.#command.path} ended while it was starting:\n${await this.#errors()}`);
      }
      try {
        const connection = await createConnection({ ...this.options(), connectTimeout: 2_000 });
        await connection.end();
        return;
      } catch (error) {
        last = error;
        await delay(50);
      }
    }
    const why = `${this.#command.path} did not answer within ${START_MS} ms: ${last}\n${await this.#errors()}`;
    await this.kill('SIGKILL');
    throw new Error(why);
  }

  async #errors(): Promise<string> {
    const text = await readFile(join(this.#folder, 'error.log'), 'utf8');
    return text.split('\n').slice(-15).join('\n');
  }
}
