import { DatabaseServer, type ServerFacts } from './database-server.js';
import { PrivateServer, type ServerOptions } from './private-server.js';

export type { DatabaseKind } from './database-command.js';
export { DatabaseServer } from './database-server.js';
export { PrivateServer, type ServerOptions } from './private-server.js';

/** Set by run.ts for the processes that run test files. */
const VARIABLE = 'GLOBALTX_TEST_SERVERS';

let shared: Promise<[DatabaseServer, DatabaseServer]> | undefined;

/**
 * Two running servers, shared by all test files: use databases of your own (`createDatabase`), and neither
 * stop them nor change their global variables. They are started here when the runner has not done so
 * (`npx mocha dist/test/x.test.js`), and then end with this process.
 *
 *     const [first, second] = await servers();
 *     const pool = mysql.createPool(first.options(await first.createDatabase('shop')));
 */
export function servers(): Promise<[DatabaseServer, DatabaseServer]> {
  shared ??= find();
  return shared;
}

async function find(): Promise<[DatabaseServer, DatabaseServer]> {
  const text = process.env[VARIABLE];
  if (text === undefined) return Promise.all([PrivateServer.start(), PrivateServer.start()]);
  const [first, second] = JSON.parse(text) as [ServerFacts, ServerFacts];
  return [new DatabaseServer(first), new DatabaseServer(second)];
}

/** Starts a server that belongs to the caller alone; it takes one to two seconds. Call its `stop()` at the end. */
export function startServer(options?: ServerOptions): Promise<PrivateServer> {
  return PrivateServer.start(options);
}

/** For the runner: tells the processes that it starts which servers to use. */
export function shareServers(facts: readonly [ServerFacts, ServerFacts]): void {
  process.env[VARIABLE] = JSON.stringify(
    facts.map(({ kind, version, port, socketPath }) => ({ kind, version, port, socketPath })),
  );
}
