import assert from 'node:assert/strict';
import { GlobalTxError } from '../../../src/protocol/errors.js';
import { LogStore, type LogStoreOptions } from '../../../src/server/store/log-store.js';
import { keyText } from '../../../src/server/store/record-codec.js';
import type { StoreChange, StoreRecord } from '../../../src/server/store/store.js';
import { Dice } from '../../simulation/dice.js';
import { branch, fact, loadAll, nameOf, transaction } from './records.js';
import { SimulatedDisk } from './simulated-disk.js';

const SEEDS = 150;
const LIVES = 8;
const WRITES_A_LIFE = 12;
const MOST_CALLS = 60;
const SIZES = { fileBytes: 700, staleBytes: 500 };

type Records = ReadonlyMap<string, StoreRecord>;

function randomChange(dice: Dice): StoreChange {
  const xid = dice.pick(['a', 'b', 'c']);
  const branchId = dice.pick(['1', '2']);
  const n = dice.under(1_000);
  const changes: readonly StoreChange[] = [
    { op: 'put', record: transaction(xid, { timeoutMs: n }) },
    { op: 'put', record: branch(xid, branchId, { registeredAt: n }) },
    { op: 'put', record: fact(xid, 'v'.repeat(n)) },
    { op: 'delete', key: { type: 'transaction', xid } },
    { op: 'delete', key: { type: 'branch', xid, branchId } },
  ];
  return dice.pick(changes);
}

function applied(before: Records, changes: readonly StoreChange[]): Records {
  const after = new Map(before);
  for (const change of changes) {
    if (change.op === 'put') after.set(keyText(change.record), change.record);
    else after.delete(keyText(change.key));
  }
  return after;
}

function textOf(records: Iterable<StoreRecord>): string {
  return JSON.stringify([...records].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)));
}

async function found(options: LogStoreOptions): Promise<string> {
  const store = await LogStore.open({ ...options, readOnly: true });
  const text = textOf(await loadAll(store));
  await store.close();
  return text;
}

/** A store over many lives of its process and its machine, each of which ends at a moment that the seed says. */
class Lives {
  readonly #dice: Dice;
  readonly #disk: SimulatedDisk;
  readonly #options: LogStoreOptions;
  /** What may be there now: all of these after the acknowledged ones. The first is there for certain. */
  #possible: Records[] = [new Map()];
  #isMade = false;

  constructor(seed: number) {
    this.#dice = new Dice(seed);
    this.#disk = new SimulatedDisk('/simulated-disk', this.#dice.stream('disk'));
    this.#options = { directory: this.#disk.directory, ...SIZES };
  }

  async run(): Promise<void> {
    const unmount = this.#disk.mount();
    try {
      for (let life = 0; life < LIVES; life += 1) {
        await this.#live();
        if (this.#dice.chance(0.5)) this.#disk.losePower();
        else this.#disk.restartProcess();
      }
      await this.#live();
    } finally {
      unmount();
    }
  }

  async #live(): Promise<void> {
    const verified = this.#isMade ? await found(this.#options) : undefined;
    const dice = this.#dice;
    if (dice.chance(0.7)) this.#disk.killIn = dice.under(MOST_CALLS);
    if (dice.chance(0.3)) this.#disk.failIn = dice.under(MOST_CALLS);
    let store: LogStore;
    try {
      store = await LogStore.open(this.#options);
    } catch (error) {
      if (error instanceof GlobalTxError && error.code === 'STORE_CORRUPT') throw error;
      return;
    }
    const text = textOf(await loadAll(store));
    if (verified !== undefined) assert.equal(text, verified, 'it was verified to be something else');
    const at = this.#possible.findIndex((records) => textOf(records.values()) === text);
    assert.notEqual(at, -1, `${text} is there`);
    // From here on somebody has acted on it.
    this.#possible = [this.#possible[at]!];
    this.#isMade = true;
    for (let n = dice.under(WRITES_A_LIFE); n > 0; n -= 1) {
      const changes = Array.from({ length: 1 + dice.under(4) }, () => randomChange(dice));
      this.#possible.push(applied(this.#possible.at(-1)!, changes));
      try {
        await store.write(changes);
      } catch {
        break;
      }
      this.#possible = [this.#possible.at(-1)!];
    }
    this.#disk.forgetLock();
    await store.close();
  }
}

describe('A store whose process and machine end at any moment', () => {
  it('has all that it ever acknowledged, and each write whole', async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      try {
        await new Lives(seed).run();
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
    }
  }).timeout(120_000);
});
