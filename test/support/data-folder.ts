import { execFile } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type DatabaseCommand,
  databaseCommand,
  mariadbInstaller,
  userArguments,
} from './database-command.js';
import { temporaryFolder } from './keeper.js';

const run = promisify(execFile);

/** Small files: a data directory is copied for every server. */
export function sizeArguments(command: DatabaseCommand): string[] {
  return command.kind === 'mariadb'
    ? ['--innodb-log-file-size=48M', '--innodb-buffer-pool-size=64M']
    : ['--innodb-redo-log-capacity=64M', '--innodb-buffer-pool-size=64M'];
}

/** Names the template of the runner's process to the processes that run test files. */
export const TEMPLATE_VARIABLE = 'GLOBALTX_TEST_TEMPLATE';

let template: Promise<string> | undefined;

async function makeTemplate(): Promise<string> {
  const command = await databaseCommand();
  const folder = temporaryFolder('template');
  const data = join(folder, 'data');
  // A server that starts removes what looks like temporary tables in its TMPDIR: another one's too.
  const env = { ...process.env, TMPDIR: folder };
  const common = [...userArguments(), `--datadir=${data}`, ...sizeArguments(command)];
  if (command.kind === 'mariadb') {
    const options = ['--no-defaults', '--auth-root-authentication-method=normal', '--skip-test-db'];
    await run(mariadbInstaller(command), [...options, ...common], { env });
  } else {
    await run(command.path, [...command.firstArguments, '--initialize-insecure', '--mysqlx=OFF', ...common], {
      env,
    });
  }
  return data;
}

/** An initialised data directory that no server runs on. */
export function templateFolder(): Promise<string> {
  const given = process.env[TEMPLATE_VARIABLE];
  template ??= given === undefined ? makeTemplate() : Promise.resolve(given);
  return template;
}

/** Makes `target` a fresh data directory: the first is initialised, the others are copies of it. */
export async function makeDataFolder(target: string): Promise<void> {
  await cp(await templateFolder(), target, { recursive: true, preserveTimestamps: true });
  // The server's identity stands in this file; a copy has to make its own.
  await rm(join(target, 'auto.cnf'), { force: true });
}
