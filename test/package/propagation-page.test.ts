import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as globaltx from 'globaltx';
import { removeFolder, temporaryFolder } from '../support/keeper.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const LIBRARIES = [
  ...[
    '@grpc/grpc-js',
    '@nestjs/common',
    '@nestjs/microservices',
    '@types/express',
    '@types/koa',
    '@types/node',
  ],
  ...['axios', 'fastify', 'rxjs', 'undici'],
];

/** What the page's lines take for granted. */
const AROUND = `
import type { RequestListener } from 'node:http';
import type { INestMicroservice } from '@nestjs/common';
import type { GlobalTx, NestContext } from './names.js';

declare global {
  class Refused extends Error {}
  const gtx: GlobalTx;
  const express: import('express').Express;
  const fastify: import('fastify').FastifyInstance;
  const koa: import('koa');
  const axios: import('axios').AxiosStatic;
  const createServer: typeof import('node:http').createServer;
  const httpRequest: typeof import('node:http').request;
  const Server: typeof import('@grpc/grpc-js').Server;
  const Client: typeof import('@grpc/grpc-js').Client;
  const credentials: typeof import('@grpc/grpc-js').credentials;
  const Module: typeof import('@nestjs/common').Module;
  const currentTransaction: typeof import('globaltx').currentTransaction;
  const microservice: INestMicroservice;
  const listener: RequestListener;
  interface Order { sku: string }
  interface Table { [header: string]: Buffer | string | (Buffer | string)[] | undefined }
  interface Amqp { content: Buffer; properties: { headers: Record<string, unknown> | undefined } }
  interface Kafka { value: Buffer | null; headers?: Table }
  const channel: {
    publish(exchange: string, key: string, content: Buffer, options: { headers: object }): boolean;
    consume(queue: string, handle: (message: Amqp | null) => void): Promise<unknown>;
    ack(message: Amqp): void;
  };
  const producer: { send(record: { topic: string; messages: { value: string; headers: Table }[] }): Promise<unknown> };
  const consumer: { run(config: { eachMessage(payload: { message: Kafka }): Promise<void> }): Promise<void> };
  const content: Buffer;
  const receipt: string;
  const mailer: { send(text: string): Promise<void> };
  function count(outcome: string): void;
  function fromGateway(context: NestContext): boolean;
  class ConfigService {
    getOrThrow<Value>(name: string): Value;
  }
  function placeOrder(): Promise<void>;
  function writeAuditEntry(): Promise<void>;
  function answer(message: Amqp, text: string): void;
  function reserve(content: Buffer | null): Promise<void>;
}
`;

const CONFIGURATION = {
  compilerOptions: {
    ...{ target: 'es2022', module: 'nodenext', strict: true, noEmit: true, skipLibCheck: true },
    ...{ experimentalDecorators: true, types: ['node'] },
  },
};

describe('docs/propagation.md', () => {
  let page: string;
  let folder: string;

  before(async () => {
    page = await readFile(join(root, 'docs/propagation.md'), 'utf8');
    folder = temporaryFolder('page');
  });

  after(() => removeFolder(folder));

  it('has no line of code that does not compile against the frameworks it is for', async function () {
    this.timeout(60_000);
    for (const library of LIBRARIES) {
      const link = join(folder, 'node_modules', library);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(root, 'node_modules', library), link, 'dir');
    }
    await symlink(root, join(folder, 'node_modules/globaltx'), 'dir');
    const blocks = Array.from(page.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code as string);
    assert.ok(blocks.length >= 9, `${blocks.length} blocks`);
    for (const [index, code] of blocks.entries()) {
      await writeFile(join(folder, `block-${index}.ts`), `export {};\n${code}`);
    }
    const names =
      "export type { GlobalTx } from 'globaltx';\nexport type { NestContext } from 'globaltx/nest';\n";
    await writeFile(join(folder, 'names.ts'), names);
    await writeFile(join(folder, 'around.d.ts'), AROUND);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(CONFIGURATION));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const compiled = promisify(execFile)(process.execPath, [tsc, '-p', folder]);
    const { stdout } = await compiled.catch((error: { stdout: string }) => error);
    assert.equal(stdout, '');
  });

  it('names every carrier that there is', async () => {
    const carriers = Object.keys(globaltx).filter((name) => name.endsWith('GlobalTx') && name !== 'GlobalTx');
    assert.ok(carriers.length >= 6);
    const missing = [...carriers, 'joinMessage', 'transactionHeaders'].filter((name) => !page.includes(name));
    assert.deepEqual(missing, []);
  });
});
