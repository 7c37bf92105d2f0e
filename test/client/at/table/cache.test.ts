import assert from 'node:assert/strict';
import { TableCache, type WithExecutor } from '../../../../src/client/at/table/cache.js';
import { GlobalTxError } from '../../../../src/protocol/errors.js';
import { type DatabaseServer, servers } from '../../../support/servers.js';
import { RawSession } from '../image/session.js';

describe('The cache of table definitions', () => {
  let server: DatabaseServer;
  let database: string;
  let session: RawSession;
  let loads: number;
  const withSession: WithExecutor = (work) => {
    loads += 1;
    return work(session);
  };

  before(async () => {
    [server] = await servers();
    database = await server.createDatabase('cache');
    session = await RawSession.open(server, database);
    await session.query('CREATE TABLE a (id INT PRIMARY KEY)');
    await session.query('CREATE TABLE b (id INT PRIMARY KEY)');
  });

  beforeEach(() => {
    loads = 0;
  });

  after(() => session.close());

  it('loads a table once for all who ask for it', async () => {
    const cache = new TableCache(withSession);
    const [one, other] = await Promise.all([cache.get(database, 'a'), cache.get(database, 'a')]);
    assert.equal(one, other);
    assert.equal(await cache.get(database, 'a'), one);
    assert.equal(loads, 1);
  });

  it('loads it again when it is to be forgotten, even while it is being loaded', async () => {
    const cache = new TableCache(withSession);
    const early = cache.get(database, 'a');
    cache.forget(database, 'a');
    const late = await cache.get(database, 'a');
    assert.notEqual(await early, late);
    assert.equal(await cache.get(database, 'a'), late);
    cache.forget(database, 'a');
    await session.query('ALTER TABLE a ADD COLUMN n INT');
    assert.equal((await cache.get(database, 'a'))?.columns.length, 2);
    assert.equal(loads, 3);
  });

  it('forgets a table in whatever case it was asked for', async () => {
    const cache = new TableCache(withSession);
    const known = await cache.get(database, 'b');
    cache.forget(database.toUpperCase(), 'B');
    assert.notEqual(await cache.get(database, 'b'), known);
  });

  it('keeps no more tables than it may', async () => {
    const cache = new TableCache(withSession, { maxTables: 1 });
    for (const name of ['a', 'b', 'a']) await cache.get(database, name);
    assert.equal(loads, 3);
  });

  it('does not believe a definition for ever', async () => {
    const cache = new TableCache(withSession, { maxAgeMs: 20 });
    await cache.get(database, 'a');
    await new Promise((resolve) => setTimeout(resolve, 40));
    await cache.get(database, 'a');
    assert.equal(loads, 2);
  });

  it('asks again for tables that were not there, and for those that were refused', async () => {
    const cache = new TableCache(withSession);
    assert.equal(await cache.get(database, 'c'), undefined);
    await session.query('CREATE TABLE c (n INT)');
    await assert.rejects(async () => cache.get(database, 'c'), GlobalTxError);
    await session.query('ALTER TABLE c ADD PRIMARY KEY (n)');
    assert.equal((await cache.get(database, 'c'))?.key.name, 'PRIMARY');
  });
});
