import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { currentTransaction, GlobalTransactional } from '../../src/client/index.js';
import { removeFolder, temporaryFolder } from '../support/keeper.js';
import { write } from './transaction/fake-work.js';
import { useFakeWorld } from './transaction/fake-world.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

class Till {
  factor = 3;

  @GlobalTransactional({ timeout: 7_000 })
  async pay(amount: number): Promise<number> {
    await write();
    return this.factor * amount;
  }

  @GlobalTransactional({ propagation: 'NOT_SUPPORTED' })
  async outside(): Promise<string | undefined> {
    return currentTransaction()?.xid;
  }

  @GlobalTransactional()
  static async refund(): Promise<string | undefined> {
    return currentTransaction()?.name;
  }

  @GlobalTransactional({ name: 'secret' })
  async #secret(): Promise<string | undefined> {
    return currentTransaction()?.name;
  }

  secret(): Promise<string | undefined> {
    return this.#secret();
  }
}

/** What a NestJS application's code is compiled from: the older decorators, with metadata written on the method. */
const LEGACY = `
import { currentTransaction, GlobalTransactional } from 'globaltx';

function Route(path: string): (target: object, key: string, descriptor: PropertyDescriptor) => void {
  return (_target, _key, descriptor) => {
    const { defineMetadata } = Reflect as { defineMetadata?: (key: string, value: string, on: object) => void };
    defineMetadata?.('path', path, descriptor.value);
  };
}

export class Till {
  factor = 3;

  @GlobalTransactional({ timeout: 7_000 })
  @Route('/pay')
  async pay(amount: number): Promise<[number, string | undefined]> {
    return [this.factor * amount, currentTransaction()?.name];
  }

  @GlobalTransactional()
  static async refund(): Promise<string | undefined> {
    return currentTransaction()?.name;
  }
}
`;

describe('a method decorated with @GlobalTransactional', () => {
  const world = useFakeWorld();

  it('runs in a global transaction of its own name, with this and its arguments', async () => {
    assert.equal(await new Till().pay(14), 42);
    const [registration] = world.fake.all('registerBranch');
    assert.equal(registration?.registerBranch.begin?.name, 'pay');
    assert.equal(registration?.registerBranch.begin?.timeoutMs, 7_000);
    assert.deepEqual(world.decisions(), ['commit']);
  });

  it('joins, or does not, as its propagation says', async () => {
    await world.gtx.run({ name: 'outer' }, async () => {
      assert.equal(await Till.refund(), 'outer');
      assert.equal(await new Till().outside(), undefined);
    });
  });

  it('may be static or private', async () => {
    assert.equal(await Till.refund(), 'refund');
    assert.equal(await new Till().secret(), 'secret');
  });

  it('is refused with NOT_CONNECTED when it is called in a process without a coordinator', async () => {
    await world.gtx.close(0);
    await assert.rejects(new Till().pay(1), { code: 'NOT_CONNECTED' });
  });

  it('must be a method', () => {
    const decorate = GlobalTransactional() as (target: object, key: string, descriptor?: object) => void;
    assert.throws(() => decorate({}, 'field'), { code: 'INVALID_OPTION' });
    assert.throws(() => decorate({}, 'field', { value: 7 }), { code: 'INVALID_OPTION' });
  });

  it('has options that make sense, or its class is not defined', () => {
    const define = () =>
      class Broken {
        @GlobalTransactional({ timeout: 0 })
        async pay(): Promise<void> {}
      };
    assert.throws(define, { code: 'INVALID_OPTION' });
  });
});

describe('the same decorator under experimentalDecorators', () => {
  const world = useFakeWorld();
  let folder: string;

  before(async function () {
    this.timeout(60_000);
    folder = temporaryFolder('legacy');
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules/globaltx'), 'dir');
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'till.ts'), LEGACY);
    const options = ['--experimentalDecorators', '--emitDecoratorMetadata', '--strict', '--types', ''];
    const target = ['--target', 'es2022', '--module', 'nodenext', '--skipLibCheck'];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, ...options, ...target, 'till.ts'], { cwd: folder });
  });

  after(() => removeFolder(folder));

  it('compiles and does the same', async () => {
    const { Till: Legacy } = await import(pathToFileURL(join(folder, 'till.js')).href);
    assert.deepEqual(await new Legacy().pay(14), [42, 'pay']);
    assert.equal(await Legacy.refund(), 'refund');
    assert.deepEqual(world.decisions(), []);
  });

  it('keeps what other decorators have written on the method', () => {
    const descriptor: TypedPropertyDescriptor<() => Promise<void>> = { value: async () => {} };
    const original = descriptor.value!;
    Reflect.defineMetadata('path', '/pay', original);
    GlobalTransactional()({}, 'pay', descriptor);
    assert.notEqual(descriptor.value, original);
    assert.equal(Reflect.getOwnMetadata('path', descriptor.value!), '/pay');
  });
});
