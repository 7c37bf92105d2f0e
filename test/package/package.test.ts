import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { removeFolder } from '../support/keeper.js';
import { INSTALL_MS, installPackage } from './install.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const require = createRequire(import.meta.url);

const COMPILE_MS = 60_000;

/** Names of modules as an application writes them. */
const ENTRIES = [
  'globaltx',
  'globaltx/mysql2',
  'globaltx/mysql2/promise',
  'globaltx/mysql2/promise.js',
  'globaltx/grpc',
  'globaltx/nest',
] as const;

/** What an application in TypeScript does; it must compile without any setting of its own. */
const APPLICATION = `
import { GlobalTx, GlobalTxError, currentTransaction, expressGlobalTx, fastifyGlobalTx } from 'globaltx';
import callbacks from 'globaltx/mysql2';
import mysql, { type ResultSetHeader, type RowDataPacket } from 'globaltx/mysql2/promise';
import express from 'express';
import fastify from 'fastify';

const gtx: GlobalTx = await GlobalTx.connect({ coordinator: 'localhost:8091', application: 'shop' });
const pool: mysql.Pool = mysql.createPool({ host: 'localhost', database: 'shop' });
callbacks.createPool('mysql://localhost/shop').query('SELECT 1', (error, rows: callbacks.RowDataPacket[]) => {
  console.log(error?.code, rows.length);
});
const placeOrder = gtx.transactional({ name: 'place-order', timeout: 30_000 }, async (user: number, sku: string) => {
  const [result] = await pool.execute<ResultSetHeader>('INSERT INTO orders VALUES (?, ?)', [user, sku]);
  const [rows] = await pool.query<RowDataPacket[]>('SELECT 1');
  const xid: string | undefined = currentTransaction()?.xid;
  currentTransaction()?.setRollbackOnly('because');
  return { id: result.insertId, rows: rows.length, xid };
});
const id: number = (await placeOrder(1, 'a')).id;
const three: number = await gtx.run({ timeout: 1_000 }, async () => 3);
try {
  console.log(id, three);
} catch (error) {
  if (error instanceof GlobalTxError && error.code === 'LOCK_WAIT_TIMEOUT') console.log(error.xid);
}
express().use(expressGlobalTx());
await fastify().register(fastifyGlobalTx);
await gtx.close();
`;

/** The same in a CommonJS module, with each way to import there is in one. */
const COMMON_JS = `
import { GlobalTx, type RunOptions } from 'globaltx';
import callbacks = require('globaltx/mysql2');
import * as all from 'globaltx/mysql2';
import mysql, { createPool, type Pool } from 'globaltx/mysql2/promise';

const options: RunOptions = { name: 'place-order' };
const pool: Pool = createPool({ host: 'localhost', globalLock: true });
const other: mysql.Pool = mysql.createPool('mysql://localhost/shop');
const called: callbacks.Pool = all.createPool({ host: 'localhost' });
GlobalTx.connect().then(async (gtx) => {
  await gtx.run(options, async () => {
    const [rows] = await pool.query<mysql.RowDataPacket[]>('SELECT 1');
    called.query('SELECT 1', (error, found: callbacks.RowDataPacket[]) => console.log(error?.code, found, rows, other));
  });
});
`;

/** What the blocks of docs/driver.md take for given. */
const NAMES_OF_THE_PAGE = [
  ['mysql', "import mysql from 'globaltx/mysql2/promise';"],
  ['pool', "declare const pool: import('globaltx/mysql2/promise').Pool;"],
  ['interest', 'declare const interest: number, id: number;'],
  ['nightlyRun', 'declare function nightlyRun(): Promise<void>;'],
] as const;

/** What Node adds to a module, and what require() leaves out as it does for mysql2 itself. */
const NOT_NAMES = ['__esModule', 'module.exports', 'default'];

/** What only mysql2's CommonJS face has: the ES module face of mysql2 leaves these names out. */
function namesOf(module: string): string[] {
  return Object.keys(require(module) as object).sort();
}

describe('The package', () => {
  let folder: string;
  let tarball: string;
  let packed: readonly string[];

  async function node(...args: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, args, { cwd: folder });
    return stdout;
  }

  before('packs, and installs into an empty folder', async function () {
    this.timeout(INSTALL_MS);
    ({ folder, tarball, packed } = await installPackage([
      '@types/node',
      '@types/express',
      'express',
      'fastify',
    ]));
  });

  after(() => removeFolder(folder));

  it('holds the compiled sources, the wire contract and the documents, and nothing else', () => {
    const expected = /^(dist\/src\/|proto\/|docs\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/;
    assert.deepEqual(
      packed.filter((path) => !expected.test(path)),
      [],
    );
    for (const path of ['README.md', 'LICENSE', 'CHANGELOG.md', 'proto/globaltx/v1/coordinator.proto']) {
      assert.ok(packed.includes(path), path);
    }
  });

  for (const entry of ENTRIES) {
    it(`gives the same names to import and to require of ${entry}`, async () => {
      const imported = await node(
        '--input-type=module',
        '--eval',
        `import * as all from '${entry}'; console.log(JSON.stringify(Object.keys(all).sort()))`,
      );
      const required = await node(
        '--input-type=commonjs',
        '--eval',
        `console.log(JSON.stringify(Object.keys(require('${entry}')).sort()))`,
      );
      const names = (text: string) =>
        (JSON.parse(text) as string[]).filter((name) => !NOT_NAMES.includes(name));
      assert.deepEqual(names(required), names(imported));
      assert.ok(names(imported).length > 0);
    });
  }

  for (const [theirs, ours] of [
    ['mysql2', 'globaltx/mysql2'],
    ['mysql2/promise', 'globaltx/mysql2/promise'],
  ] as const) {
    it(`has every export of ${theirs} in ${ours}, by import, as default and by require`, async () => {
      const script = `
        const named = Object.keys(await import('${ours}'));
        const byDefault = Object.keys((await import('${ours}')).default);
        console.log(JSON.stringify({ named, byDefault }))`;
      const { named, byDefault } = JSON.parse(await node('--input-type=module', '--eval', script));
      const required = JSON.parse(
        await node(
          '--input-type=commonjs',
          '--eval',
          `console.log(JSON.stringify(Object.keys(require('${ours}'))))`,
        ),
      );
      for (const name of namesOf(theirs)) {
        assert.ok(named.includes(name), `import { ${name} } from '${ours}'`);
        assert.ok(byDefault.includes(name), `mysql.${name}`);
        assert.ok(required.includes(name), `require('${ours}').${name}`);
      }
    });
  }

  for (const [theirs, ours] of [
    ['mysql2', 'globaltx/mysql2'],
    ['mysql2/promise', 'globaltx/mysql2/promise'],
  ] as const) {
    it(`gives what takes part in transactions, and not mysql2 itself, to import and to require of ${ours}`, async () => {
      const script = `
        const { createRequire } = await import('node:module');
        const require = createRequire(process.cwd() + '/');
        const original = require('${theirs}');
        const all = await import('${ours}');
        for (const given of [all, all.default, require('${ours}')]) {
          for (const name of ['createConnection', 'createPool', 'createPoolCluster']) {
            const same = given[name] === all[name] && given[name] !== original[name];
            if (!same) console.log(name);
          }
        }`;
      assert.equal(await node('--input-type=module', '--eval', script), '');
    });
  }

  it('resolves, with types that are true, for whatever asks for it: attw finds no problem', async function () {
    this.timeout(COMPILE_MS);
    const attw = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const checked = await run(process.execPath, [attw, tarball, '--no-definitely-typed', '--no-color']).catch(
      (error) => error,
    );
    assert.match(checked.stdout, /No problems found/);
  });

  it('has declarations that the lines of docs/driver.md compile against', async function () {
    this.timeout(COMPILE_MS);
    const page = await readFile(join(root, 'docs', 'driver.md'), 'utf8');
    const blocks = Array.from(page.matchAll(/```ts\n(.*?)```/gs), ([, block]) => block as string);
    assert.ok(blocks.length > 2);
    const project = join(folder, 'driver-page');
    await mkdir(project);
    for (const [index, block] of blocks.entries()) {
      const missing = NAMES_OF_THE_PAGE.filter(
        ([name]) => !block.includes(`import ${name}`) && !block.includes(`const ${name}`),
      );
      const prelude = missing.map(([, declaration]) => declaration).join('\n');
      await writeFile(join(project, `block-${index}.ts`), `${prelude}\n${block}\nexport {};`);
    }
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      noEmit: true,
      types: ['node'],
    };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const compiled = await run(process.execPath, [tsc, '-p', project], { cwd: project }).catch(
      (error) => error,
    );
    assert.equal(compiled.stdout, '');
  });

  for (const [module, moduleResolution, file, text] of [
    ['nodenext', 'nodenext', 'application.ts', APPLICATION],
    ['esnext', 'bundler', 'application.ts', APPLICATION],
    ['nodenext', 'nodenext', 'application.cts', COMMON_JS],
  ] as const) {
    it(`has declarations that ${file} compiles against, with moduleResolution ${moduleResolution}`, async function () {
      this.timeout(COMPILE_MS);
      const project = join(folder, `${file}-${moduleResolution}`);
      await mkdir(project);
      await writeFile(join(project, file), text);
      const compilerOptions = {
        ...{ module, moduleResolution, target: 'es2022', strict: true, noEmit: true },
        ...{ esModuleInterop: true, skipLibCheck: false, types: ['node'] },
      };
      await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: [file] }));
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const compiled = await run(process.execPath, [tsc, '-p', project], { cwd: project }).catch(
        (error) => error,
      );
      assert.equal(compiled.stdout, '');
    });
  }

  for (const command of ['globaltx', 'globaltx-server']) {
    it(`installs the command ${command}, which explains itself`, async () => {
      const { stdout } = await run(join(folder, 'node_modules', '.bin', command), ['--help'], {
        cwd: folder,
      });
      assert.match(stdout, new RegExp(`usage: ${command}`, 'i'));
    });
  }
});
