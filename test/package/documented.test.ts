import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { removeFolder } from '../support/keeper.js';
import { servers } from '../support/servers.js';
import { INSTALL_MS, installPackage } from './install.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const sources = join(root, 'test', 'package', 'documented');
const names = readdirSync(sources).map((file) => file.replace(/\.ts$/, ''));

const COMPILE_MS = 120_000;

const USERS = [
  'DROP TABLE IF EXISTS users',
  'CREATE TABLE users (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20), age INT)',
  "INSERT INTO users (name, age) VALUES ('Josh', 11), ('Page', 45), ('Rick C-137', 70)",
];

describe("What mysql2's documentation shows", () => {
  let folder: string;
  let database: string;

  /** Programs of the same text but for the import, compiled; a mistake in a type fails it. */
  async function compiled(driver: string): Promise<string> {
    const [server] = await servers();
    const project = join(folder, driver.replaceAll('/', '-'));
    await mkdir(project);
    for (const name of names) {
      const text = readFileSync(join(sources, `${name}.ts`), 'utf8')
        .replaceAll("from 'mysql2", `from '${driver}`)
        .replaceAll("host: 'localhost'", `host: '127.0.0.1', port: ${server.port}`)
        .replaceAll(
          "'mysql://root@localhost:3306/test'",
          `'mysql://root@127.0.0.1:${server.port}/${database}'`,
        )
        .replaceAll("'test'", `'${database}'`);
      await writeFile(join(project, `${name}.ts`), text);
    }
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2022', lib: ['es2023', 'esnext.disposable'], strict: true },
      ...{ skipLibCheck: false, types: ['node'], rootDir: '.' },
    };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', project], { cwd: project }).catch(
      (error) => error,
    );
    assert.equal(stdout, '');
    return project;
  }

  let theirs: string;
  let ours: string;

  before('compiles, against mysql2 and against ours', async function () {
    this.timeout(INSTALL_MS + COMPILE_MS);
    ({ folder } = await installPackage(['@types/node']));
    const [server] = await servers();
    database = await server.createDatabase();
    theirs = await compiled('mysql2');
    ours = await compiled('globaltx/mysql2');
  });

  after(() => removeFolder(folder));

  for (const name of names) {
    it(`says the same through ours: ${name}`, async () => {
      const [server] = await servers();
      const said: string[] = [];
      for (const project of [theirs, ours]) {
        await server.execute(USERS, database);
        const { stdout, stderr } = await run(process.execPath, [join(project, `${name}.js`)], {
          cwd: folder,
        });
        said.push(stdout + stderr);
      }
      assert.notEqual(said[0], '');
      assert.equal(said[1], said[0]);
    });
  }
});
