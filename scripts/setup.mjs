/*
 * Makes a clean clone ready for `npm test`, `npm run demo` and `npm run example`: packages, build, a database server;
 * for the tests of packages that need a newer Node, that too. Needs nothing but Node; what is there already is left
 * alone.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function say(text) {
  console.error(`setup: ${text}`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

/** Runs a command quietly; its output is shown only when it fails. */
function run(command, args, whatFailed) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  fail(result.error ? `${whatFailed}: ${result.error.message}` : whatFailed);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) return;
  fail(`Node ^20.19 or >=22.12 is needed; this is ${process.versions.node}.`);
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** Whether node_modules holds what package-lock.json asks for; packages for other systems may be missing. */
function packagesAreThere() {
  const wanted = readJson(join(root, 'package-lock.json'));
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return false;
  return Object.entries(wanted.packages).every(([path, entry]) => {
    if (path === '') return true;
    const present = installed.packages[path];
    return present === undefined ? entry.optional === true : present.version === entry.version;
  });
}

function npmCi(...args) {
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) run(process.execPath, [npm, 'ci', ...args], 'npm ci failed');
  else run('npm', ['ci', ...args], 'npm ci failed');
}

function installPackages() {
  if (packagesAreThere()) return;
  say('installing packages (npm ci)');
  npmCi();
}

/** What some of the tests need besides the Node that runs them. */
function installNewerNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const folder = join('test', 'support', 'node-22');
  const installed = readJson(join(root, folder, 'node_modules', 'node', 'package.json'));
  const wanted = readJson(join(root, folder, 'package.json')).dependencies.node;
  if (major > 22 || (major === 22 && minor >= 17) || installed?.version === wanted) return;
  say(`installing Node ${wanted} for the tests of what needs it`);
  npmCi('--prefix', folder);
}

/** A file whose source is gone would still be run as a test, or be packed. */
function removeLeftOvers(folder) {
  const compiled = join(root, 'dist', folder);
  if (!existsSync(compiled)) return;
  for (const entry of readdirSync(compiled, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeLeftOvers(path);
    else if (!existsSync(join(root, path.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts'))))
      rmSync(join(root, 'dist', path));
  }
}

function build() {
  for (const folder of ['src', 'test', 'bench', 'examples']) removeLeftOvers(folder);
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // The services of NestJS want decorators of the legacy form.
  for (const project of ['.', join('examples', 'nestjs-typeorm', 'services')]) {
    run(process.execPath, [compiler, '-p', project], 'the build failed');
  }
}

const HOW_TO_INSTALL = `No database server was found. Install one, or set MYSQLD to the path of a mysqld or mariadbd:
  Debian, Ubuntu   sudo apt-get install mariadb-server
  Fedora           sudo dnf install mariadb-server
  macOS            brew install mariadb
It need not be running: tests and demo start servers of their own.`;

/** The package would start its server at once and at every boot; only the program is wanted. */
const INSTALL = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q install -y --no-install-recommends mariadb-server
if [ -d /run/systemd/system ]; then systemctl disable mariadb; fi
`;

function isRunnable(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function installDatabase() {
  const isRoot = process.getuid?.() === 0;
  if (!isRunnable('apt-get', '--version')) fail(HOW_TO_INSTALL);
  if (!isRoot && !isRunnable('sudo', '-n', 'true')) fail(HOW_TO_INSTALL);
  say('no mysqld or mariadbd was found; installing mariadb-server with apt. Tests and demo start private');
  say('servers from it; the system service is neither started nor enabled. This takes about a minute.');
  const [command, ...args] = [...(isRoot ? [] : ['sudo', '-n']), 'sh', '-c', INSTALL];
  run(command, args, `mariadb-server could not be installed.\n${HOW_TO_INSTALL}`);
}

async function checkDatabase() {
  const { findDatabaseCommand } = await import('../dist/test/support/database-command.js');
  const present = await findDatabaseCommand();
  if (present !== undefined) return present;
  if (process.env.MYSQLD) fail(`MYSQLD is set to ${process.env.MYSQLD}, which is not in the PATH.`);
  installDatabase();
  return (await findDatabaseCommand()) ?? fail(HOW_TO_INSTALL);
}

checkNode();
installPackages();
installNewerNode();
build();
try {
  const { kind, version, path } = await checkDatabase();
  say(`ready, with ${kind} ${version} (${path})`);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
