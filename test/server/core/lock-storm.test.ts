import assert from 'node:assert/strict';
import { type LockView, listLocks, listTransactions } from '../../../src/server/core/index.js';
import { checkHolders, checkOrder, checkWaiters, statusesOf } from '../../simulation/checks/lock-checks.js';
import { Dice } from '../../simulation/dice.js';
import { Desk, locks, word } from './desk.js';

const SEEDS = 60;
const EVENTS = 400;
const SESSIONS = [1, 2, 3, 4];

/** Many transactions, each with several requests at once, over a handful of keys. */
class Storm {
  readonly desk = new Desk({
    commitPatienceMs: 50,
    retry: { firstMs: 1, factor: 1, ceilingMs: 1, jitter: 0 },
  });
  readonly #dice: Dice;
  readonly #live: string[] = [];
  #begun = 0;
  #before: readonly LockView[] = [];

  constructor(seed: number) {
    this.#dice = new Dice(seed);
    for (const session of SESSIONS) {
      this.desk.connect(session);
      this.desk.enlist(session);
    }
  }

  run(): void {
    for (let event = 0; event < EVENTS; event++) {
      this.#act();
      this.#check();
    }
  }

  #act(): void {
    const dice = this.#dice;
    const session = dice.pick(SESSIONS);
    if (this.#live.length < 6) this.#live.push(`x${++this.#begun}`);
    const xid = dice.pick(this.#live);
    switch (dice.under(12)) {
      case 0:
        this.desk.commit(session, xid);
        this.#forget(xid);
        break;
      case 1:
        this.desk.rollback(session, xid);
        this.#forget(xid);
        break;
      case 2:
        this.#answerSome();
        break;
      case 3:
        this.desk.pass(dice.between(1, 100));
        break;
      case 4:
        this.#report(session, xid);
        break;
      default:
        this.#register(session, xid);
    }
  }

  #register(session: number, xid: string): void {
    const dice = this.#dice;
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    this.desk.register(session, xid, {
      locks: [
        locks(dice.some(keys, dice.under(3)), 'SHARED'),
        locks(dice.some(keys, dice.between(1, 2)), dice.chance(0.6) ? 'EXCLUSIVE' : 'SHARED'),
      ],
      lockWaitMs: dice.pick([0, 50, 10_000, 10_000, 10_000]),
      locksOnly: dice.chance(0.3),
    });
  }

  #report(session: number, xid: string): void {
    const branches = listTransactions(this.desk.state, { xid })[0]?.branches ?? [];
    if (branches.length === 0) return;
    const outcome = this.#dice.chance(0.5) ? 'PHASE_ONE_FAILED' : 'PHASE_ONE_DONE';
    this.desk.report(session, xid, this.#dice.pick(branches).branchId, outcome);
  }

  #answerSome(): void {
    const open = listTransactions(this.desk.state)
      .flatMap(({ branches }) => branches)
      .filter(({ phaseTwo }) => phaseTwo === 'PUSHED');
    for (const { branchId } of open) {
      this.desk.answerPush(branchId);
      this.#check();
    }
  }

  #forget(xid: string): void {
    this.#live.splice(this.#live.indexOf(xid), 1);
  }

  #check(): void {
    const now = listLocks(this.desk.state);
    const statuses = statusesOf(listTransactions(this.desk.state));
    checkHolders(now, statuses);
    checkWaiters(now, statuses);
    checkOrder(this.#before, now, this.desk.effects);
    this.#before = now;
  }
}

describe('a storm of requests for a few locks', () => {
  it('leaves no two holders, no cycle, no overtaking and no forgotten waiter after any event', () => {
    const deadlocks = { found: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const storm = new Storm(seed);
      storm.run();
      deadlocks.found += storm.desk.sent.filter(({ body }) => word(body) === 'DEADLOCK').length;
    }
    assert.ok(deadlocks.found > SEEDS, `only ${deadlocks.found} deadlocks`);
  }).timeout(60_000);
});
