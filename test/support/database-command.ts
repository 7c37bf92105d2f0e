import { execFile } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type DatabaseKind = 'mysql' | 'mariadb';

export interface DatabaseCommand {
  readonly path: string;
  readonly kind: DatabaseKind;
  /** '10.11.19', '9.7.4'. */
  readonly version: string;
  /** What has to come first on its command line. */
  readonly firstArguments: readonly string[];
}

/** Where Debian keeps servers, whether or not the user's PATH names it. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec'];

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * --no-defaults must be the first argument and may come only once. A wrapper script puts arguments of its own
 * before ours, so whether option files are read is its business.
 */
function firstArguments(path: string): string[] {
  const start = Buffer.alloc(2);
  const file = openSync(path, 'r');
  readSync(file, start);
  closeSync(file);
  return start.toString('latin1') === '#!' ? [] : ['--no-defaults'];
}

function search(names: readonly string[], folders: readonly string[]): string | undefined {
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find(executable);
}

function path(): string[] {
  return [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...SYSTEM_FOLDERS];
}

/** The server to test with: $MYSQLD if set, else mysqld or mariadbd from the PATH; undefined if there is none. */
export async function findDatabaseCommand(): Promise<DatabaseCommand | undefined> {
  const given = process.env.MYSQLD;
  const names = given ? [given] : ['mysqld', 'mariadbd'];
  const command = given?.includes('/') ? given : search(names, path());
  if (command === undefined) return undefined;
  if (!executable(command)) throw new Error(`MYSQLD is set to ${command}, which is no executable file`);
  const first = firstArguments(command);
  const { stdout } = await run(command, [...first, '--version']);
  const version = /Ver\s+(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${command} --version is not understood: ${stdout.trim()}`);
  const kind = /mariadb/i.test(stdout) ? 'mariadb' : 'mysql';
  return { path: command, kind, version, firstArguments: first };
}

let found: Promise<DatabaseCommand> | undefined;

/** The server to test with, looked for once. */
export function databaseCommand(): Promise<DatabaseCommand> {
  found ??= findDatabaseCommand().then((command) => {
    if (command !== undefined) return command;
    throw new Error(
      'No database server found: install mariadb-server, or set MYSQLD to the path of a server',
    );
  });
  return found;
}

/** The script that makes a data directory for MariaDB: beside the server, or in the PATH. */
export function mariadbInstaller(command: DatabaseCommand): string {
  const base = dirname(dirname(realpathSync(command.path)));
  const names = ['mariadb-install-db', 'mysql_install_db'];
  const installer = search(names, [join(base, 'bin'), join(base, 'scripts'), ...path()]);
  if (installer === undefined)
    throw new Error(`mariadb-install-db, which belongs to ${command.path}, is missing`);
  return installer;
}

/** The --user argument: a server that is started as root has to be told that this is meant. */
export function userArguments(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}
