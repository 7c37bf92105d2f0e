import assert from 'node:assert/strict';
import globaltxCallbacks from 'globaltx/mysql2';
import globaltxPromises from 'globaltx/mysql2/promise';
import plainCallbacks, { type ConnectionOptions } from 'mysql2';
import plainPromises from 'mysql2/promise';
import type { World } from './world.js';

/** Both faces of a driver. */
export interface Driver {
  readonly callbacks: typeof plainCallbacks;
  readonly promises: typeof plainPromises;
}

export const PLAIN: Driver = { callbacks: plainCallbacks, promises: plainPromises };
export const OURS: Driver = {
  callbacks: globaltxCallbacks as unknown as typeof plainCallbacks,
  promises: globaltxPromises as unknown as typeof plainPromises,
};

/** Notes something that the application has seen. */
export type Tell = (...seen: unknown[]) => void;

/** What an application does with the driver, given the way to its database. */
export type Scenario = (driver: Driver, options: ConnectionOptions, tell: Tell) => Promise<void>;

/** The rows that each way of a scenario starts from, in the table `item` of the first database. */
const ROWS = [
  'DELETE FROM item',
  'ALTER TABLE item AUTO_INCREMENT = 1',
  "INSERT INTO item (id, name, price) VALUES (1, 'one', 1.50), (2, 'two', 2.25), (3, NULL, NULL)",
];

export const ITEM =
  'CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20), price DECIMAL(10, 2), ' +
  'big BIGINT, at DATETIME, data JSON)';

const ERROR_FIELDS = ['code', 'errno', 'sqlState', 'sqlMessage', 'sql', 'fatal'] as const;

/** What can be compared: an error's fields of mysql2, anything else without its prototype and methods. */
function comparable(seen: unknown): unknown {
  if (seen instanceof Error) {
    const fields = seen as unknown as Record<string, unknown>;
    return Object.fromEntries(ERROR_FIELDS.map((name) => [name, fields[name]]));
  }
  if (Buffer.isBuffer(seen) || seen instanceof Date) return seen;
  if (Array.isArray(seen)) return seen.map(comparable);
  if (typeof seen !== 'object' || seen === null) return seen;
  return Object.fromEntries(
    Object.entries(seen)
      .filter(([, value]) => typeof value !== 'function')
      .map(([name, value]) => [name, comparable(value)]),
  );
}

async function seenBy(scenario: Scenario, driver: Driver, world: World): Promise<readonly unknown[]> {
  const { server, name } = world.first;
  const told: unknown[] = [];
  await scenario(driver, server.options(name), (...seen) => told.push(seen.map(comparable)));
  return told;
}

/**
 * Checks that an application sees the same on mysql2 itself and on ours, outside of a global transaction and
 * inside of one; and that the rollback of that one leaves what was there before.
 */
export async function checkScenario(world: World, scenario: Scenario): Promise<void> {
  const { first, gtx } = world;
  await first.execute(ROWS);
  const expected = await seenBy(scenario, PLAIN, world);
  assert.ok(expected.length > 0, 'the scenario tells nothing');
  const left = await first.dump();

  await first.execute(ROWS);
  assert.deepEqual(await seenBy(scenario, OURS, world), expected, 'outside of a global transaction');
  assert.equal(await first.dump(), left);

  await first.execute(ROWS);
  const inside = await gtx.run(() => seenBy(scenario, OURS, world));
  assert.deepEqual(inside, expected, 'inside a global transaction');
  assert.equal(await first.dump(), left);

  await first.execute(ROWS);
  const before = await first.dump();
  const undo = new Error('undo it');
  await assert.rejects(
    gtx.run(async () => {
      await seenBy(scenario, OURS, world);
      throw undo;
    }),
    (error) => error === undo,
  );
  assert.equal(rowsOf(await first.dump()), rowsOf(before));
}

/** A rollback does not take the counter of generated keys back, as that of a local transaction does not. */
function rowsOf(dump: string): string {
  return dump.replaceAll(/ AUTO_INCREMENT=\d+/g, '');
}

/** One test for each scenario. */
export function itSeesTheSame(world: () => World, scenarios: Readonly<Record<string, Scenario>>): void {
  for (const [name, scenario] of Object.entries(scenarios)) {
    it(name, () => checkScenario(world(), scenario));
  }
}
