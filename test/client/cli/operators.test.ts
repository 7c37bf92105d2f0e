import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { currentTransaction } from 'globaltx';
import { cli } from '../../../src/client/cli/cli.js';
import { eventually, makeWorld, settled, type World } from '../../end-to-end/world.js';

interface Called {
  readonly status: number;
  readonly out: string;
  readonly error: string;
  readonly questions: readonly string[];
}

describe("The operators' commands", () => {
  let world: World;

  beforeEach(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE account (id INT PRIMARY KEY, owner VARCHAR(40), balance INT NOT NULL)',
        "INSERT INTO account VALUES (1, 'Ann', 100), (2, 'Bob', 100)",
      ],
    });
  });

  afterEach(() => world.close());

  /** @param confirmed what the person answers; undefined: there is nobody */
  async function call(args: readonly string[], confirmed?: boolean): Promise<Called> {
    let out = '';
    let error = '';
    const questions: string[] = [];
    const status = await cli([...args, '--coordinator', world.coordinator.address], {
      out: (text) => {
        out += text;
      },
      error: (text) => {
        error += text;
      },
      ...(confirmed === undefined
        ? {}
        : {
            confirm: async (question: string) => {
              questions.push(question);
              return confirmed;
            },
          }),
    });
    return { status, out, error, questions };
  }

  /** A transfer that is rolled back after somebody else has written to the first account. */
  async function dirtyTransfer(): Promise<string> {
    let xid = '';
    await assert.rejects(
      world.gtx.run({ name: 'transfer' }, async () => {
        xid = currentTransaction()?.xid ?? '';
        await world.first.pool.query('UPDATE account SET balance = balance - 10 WHERE id = 1');
        await world.second.pool.query('UPDATE account SET balance = balance + 10 WHERE id = 1');
        await world.first.execute("UPDATE account SET balance = 55, owner = 'Eve\\nX' WHERE id = 1");
        throw new Error('undo it');
      }),
    );
    await eventually('the branch needs a person', async () =>
      (await call(['status'])).out.includes('NEEDS_ATTENTION'),
    );
    return xid;
  }

  async function accounts(): Promise<unknown> {
    const [rows] = await world.first.pool.query('SELECT id, owner, balance FROM account ORDER BY id');
    return JSON.parse(JSON.stringify(rows));
  }

  function url(): string {
    const { host, port, user } = world.first.server.options(world.first.name);
    return `mysql://${user}@${host}:${port}/${world.first.name}`;
  }

  async function branchOf(xid: string): Promise<string> {
    const { out } = await call(['show', xid, '--json']);
    const { branches } = JSON.parse(out) as { branches: { branchId: string }[] };
    return branches[0]?.branchId ?? '';
  }

  async function audit(): Promise<Record<string, string>[]> {
    const text = await readFile(join(world.coordinator.dataDir, 'audit.log'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, string>);
  }

  it('show a dirty branch with both images and the row as it is now', async () => {
    const xid = await dirtyTransfer();
    const status = await call(['status']);
    assert.equal(status.status, 0);
    assert.match(status.out, /^1 transactions \(1 NEEDS_ATTENTION\)/);
    assert.match(status.out, new RegExp(`${xid}  NEEDS_ATTENTION .* test +transfer`));
    assert.match(status.out, /NEEDS A PERSON.*\n.*DIRTY_WRITE.*account \(id = 1\): owner, balance/);
    const { out } = await call(['show', xid, '--database', url()]);
    assert.match(out, /CHANGED BY SOMEBODY ELSE/);
    assert.match(out, /balance +"100" +"90" +"55"\n/);
    assert.match(out, /owner +"Ann" +"Ann" +"Eve\\nX"\n/);
    const { images, locks } = JSON.parse((await call(['show', xid, '--database', url(), '--json'])).out) as {
      images: {
        tables: { rows: { state: string; before: unknown; after: unknown; present: unknown[] }[] }[];
      }[];
      locks: { key: string }[];
    };
    const row = images[0]?.tables[0]?.rows[0];
    assert.equal(row?.state, 'dirty');
    assert.deepEqual(row?.before, { id: '1', owner: 'Ann', balance: '100' });
    assert.deepEqual(row?.present, [{ id: '1', owner: 'Eve\nX', balance: '55' }]);
    assert.deepEqual(
      locks.map(({ key }) => key),
      ['PRIMARY/1'],
    );
    await call(['resolve', xid, '--branch', await branchOf(xid), '--accept-current', '--yes']);
  });

  it('resolve it by leaving the rows as they are', async () => {
    const xid = await dirtyTransfer();
    const present = await accounts();
    const args = ['resolve', xid, '--branch', await branchOf(xid), '--accept-current'];
    const { status, out, questions } = await call(args, true);
    assert.equal(status, 0, out);
    assert.match(out, /it is ROLLED_BACK/);
    assert.match(questions[0] ?? '', /leave its rows as they are now/);
    assert.deepEqual(await accounts(), present);
    await settled(world);
  });

  it('resolve it by restoring what was there before', async () => {
    const before = await accounts();
    const xid = await dirtyTransfer();
    const branch = await branchOf(xid);
    const { out } = await call(['resolve', xid, '--branch', branch, '--restore-before', '--yes']);
    assert.match(out, /it is ROLLED_BACK/);
    assert.deepEqual(await accounts(), before);
    await settled(world);
    const [ordered, done] = await audit();
    assert.equal(ordered?.event, 'ordered');
    assert.deepEqual(
      [done?.event, done?.order, done?.xid, done?.branchId, done?.host, done?.id],
      ['carried out', 'resolve RESTORE_BEFORE', xid, branch, hostname(), ordered?.id],
    );
    assert.ok(done?.user && done.peer && Date.parse(done.time ?? ''));
  });

  it('retry it once a person has put the row right, and not with force', async () => {
    const xid = await dirtyTransfer();
    const refused = await call(['retry', xid, '--yes']);
    assert.match(refused.out, /it is NEEDS_ATTENTION.*\n.*DIRTY_WRITE/);
    await world.first.execute("UPDATE account SET balance = 90, owner = 'Ann' WHERE id = 1");
    const { status, out } = await call(['retry', xid], true);
    assert.equal(status, 0);
    assert.match(out, /it is ROLLED_BACK/);
    assert.deepEqual(await accounts(), [
      { id: 1, owner: 'Ann', balance: 100 },
      { id: 2, owner: 'Bob', balance: 100 },
    ]);
  });

  it('roll an active transaction back, whose application is told so', async () => {
    const before = await accounts();
    await assert.rejects(
      world.gtx.run({ name: 'slow' }, async () => {
        const xid = currentTransaction()?.xid ?? '';
        await world.first.pool.query('UPDATE account SET balance = 0');
        const { out } = await call(['rollback', xid], true);
        assert.match(out, /ROLLED_BACK|ROLLING_BACK/);
      }),
      { code: 'ROLLED_BACK' },
    );
    assert.deepEqual(await accounts(), before);
  });

  it('do nothing unless a person says yes, or --yes stands there', async () => {
    const xid = await dirtyTransfer();
    const args = ['resolve', xid, '--branch', await branchOf(xid), '--restore-before'];
    const denied = await call(args, false);
    assert.equal(denied.status, 1);
    assert.match(denied.questions[0] ?? '', /overwrite what others have written/);
    const nobody = await call(args);
    assert.equal(nobody.status, 1);
    assert.match(nobody.error, /--yes/);
    assert.deepEqual(await audit(), []);
    await call([...args, '--yes']);
  });

  it('say why an order cannot be carried out, and note that too', async () => {
    const xid = await dirtyTransfer();
    const branch = await branchOf(xid);
    const unknown = await call(['retry', 'nothing', '--yes']);
    assert.equal(unknown.status, 1);
    assert.match(unknown.error, /knows no transaction 'nothing'/);
    const decided = await call(['rollback', xid, '--yes']);
    assert.equal(decided.status, 1);
    assert.match(decided.error, /a decision never changes: it is NEEDS_ATTENTION/);
    const missing = await call(['resolve', xid, '--branch', '99999', '--accept-current', '--yes']);
    assert.match(missing.error, /no unfinished branch '99999'/);
    assert.deepEqual(
      (await audit()).map(({ event }) => event),
      ['ordered', 'refused', 'ordered', 'refused'],
    );
    await call(['resolve', xid, '--branch', branch, '--accept-current', '--yes']);
    const ended = await call(['resolve', xid, '--branch', branch, '--accept-current', '--yes']);
    assert.match(ended.error, /has ended: it is ROLLED_BACK/);
  });

  it('show who waits for whom, and filter by state, application, age and resource', async () => {
    let written = () => {};
    // Outside of the holder's context, or it would join the holder.
    const waiter = new Promise<void>((resolve) => {
      written = resolve;
    }).then(() =>
      world.gtx.run({ name: 'waiter', lockWait: 10_000 }, () =>
        world.first.pool.query('UPDATE account SET balance = 2 WHERE id = 1'),
      ),
    );
    await world.gtx.run({ name: 'holder' }, async () => {
      const holder = currentTransaction()?.xid ?? '';
      await world.first.pool.query('UPDATE account SET balance = 1 WHERE id = 1');
      written();
      await eventually('somebody waits', async () => (await call(['status'])).out.includes('WAITS'));
      const { out } = await call(['status']);
      assert.match(out, new RegExp(`WAITS.*\\n[^ ]+ +[^ ]+ +${holder} +EXCLUSIVE +account PRIMARY/1`));
      assert.match(
        (await call(['show', holder])).out,
        /WAITED FOR BY\n.*PRIMARY\/1 +EXCLUSIVE +\d+ +[0-9a-f]{32}/,
      );
      const names = async (...filter: string[]) => {
        const parsed = JSON.parse((await call(['status', '--json', ...filter])).out) as {
          transactions: { name: string }[];
        };
        return parsed.transactions.map(({ name }) => name);
      };
      assert.deepEqual(await names(), ['holder', 'waiter']);
      assert.deepEqual(await names('--state', 'ACTIVE', '--application', 'test'), ['holder', 'waiter']);
      assert.deepEqual(await names('--state', 'NEEDS_ATTENTION'), []);
      assert.deepEqual(await names('--application', 'other'), []);
      assert.deepEqual(await names('--age', '1h'), []);
      assert.deepEqual(await names('--resource', 'nothing'), []);
      const { branches } = JSON.parse((await call(['show', holder, '--json'])).out) as {
        branches: { resource: string; resourceId: string }[];
      };
      assert.deepEqual(await names('--resource', branches[0]?.resource ?? ''), ['holder']);
      assert.deepEqual(await names('--resource', branches[0]?.resourceId ?? ''), ['holder']);
      assert.deepEqual(await names('--limit', '1'), ['holder']);
    });
    await waiter;
    await settled(world);
  });

  it('say what is wrong with a call, and where no coordinator is', async () => {
    for (const args of [
      ['status', '--state', 'NONSENSE'],
      ['status', '--age', 'old'],
      ['show'],
      ['retry'],
      ['resolve', 'x', '--branch', '1'],
      ['resolve', 'x', '--branch', '1', '--accept-current', '--restore-before'],
      ['resolve', 'x', '--accept-current'],
      ['rollback', 'x', '--branch', '1'],
    ]) {
      const { status, error } = await call(args);
      assert.equal(status, 2, args.join(' '));
      assert.match(error, /usage: globaltx/);
    }
    await world.coordinator.kill();
    const { status, error } = await call(['status']);
    assert.equal(status, 1);
    assert.match(error, /no coordinator can be reached at 127\.0\.0\.1:\d+.*GLOBALTX_COORDINATOR/);
  });
});
