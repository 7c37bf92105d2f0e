import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/keeper.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What packing and installing may take, downloads included. */
export const INSTALL_MS = 240_000;

export interface Installed {
  /** An application's folder, with the package in its node_modules. Remove it with `removeFolder`. */
  readonly folder: string;
  /** The path of the package itself. */
  readonly tarball: string;
  /** Paths of the files in the package. */
  readonly packed: readonly string[];
}

/**
 * Packs what is built and installs it into an empty folder, as an application would.
 * @param others names of development dependencies to install too, in the version that is wanted here
 */
export async function installPackage(others: readonly string[] = []): Promise<Installed> {
  const folder = temporaryFolder('package');
  // Without scripts: `prepack` would build, and the build is what the other tests are running from.
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: root });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  const tarball = join(folder, filename);
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'application', private: true, type: 'module' }),
  );
  const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const wanted = others.map((name) => `${name}@${devDependencies[name]}`);
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...options, tarball, ...wanted], { cwd: folder });
  return { folder, tarball, packed: files.map(({ path }) => path) };
}
