import { setTimeout as delay } from 'node:timers/promises';
import type { Direction } from '../../support/tcp-proxy.js';
import type { Bank } from '../bank/bank.js';
import { readJournals } from '../bank/journal.js';
import type { Fault } from '../faults/fault.js';
import { play } from '../play.js';
import type { Scenario } from '../scenario.js';

/** A transfer may last so long; a service stands still for longer between registration and local commit. */
const TIMEOUT_MS = 1_000;
const STILL_MS = 1_600;
/** The process itself stands still, with its stream: then only it can be asked for the rollback. */
const STILL =
  `before-undo-log-written=delay:${STILL_MS}%101,after-undo-log-written=delay:${STILL_MS}%103,` +
  `before-local-commit=delay:${STILL_MS}%107`;
/** Of the statements that make up phase one, so many are held up on the way to the database, their process goes on. */
const HELD = 0.1;
/**
 * What the caller hears of a transaction whose time-out has passed when its branches were registered: its commit
 * was refused, or the defence record met it. (A registration that came too late says so as the other service's.)
 */
const LATE = /^TIMED_OUT$|LATE_PHASE_ONE/;
const STEP_MS = 500;

function isPhaseOne(chunk: Buffer): boolean {
  const text = chunk.toString('latin1');
  return text.includes('COMMIT') || (text.includes('INSERT') && text.includes('undo_log'));
}

async function countLate(bank: Bank): Promise<number> {
  const { entries } = await readJournals(bank.journals);
  return entries.filter(({ reason }) => LATE.test(reason)).length;
}

/** Waits until enough transfers have met their time-out in the middle of phase one. */
function lateTransfers(count: number): Fault {
  return {
    name: `${count} transfers that come too late`,
    async inject(bank, dice) {
      const holdMs = (chunk: Buffer, direction: Direction) =>
        direction === 'up' && isPhaseOne(chunk) && dice.chance(HELD) ? STILL_MS : 0;
      for (const link of bank.links.databases) link.delay(holdMs);
      while ((await countLate(bank)) < count) await delay(STEP_MS);
      for (const link of bank.links.databases) link.pass();
    },
  };
}

/** The faults are transfers whose time-out passed while one of their services stood still in phase one. */
export const LATE_PHASE_ONE: Scenario = {
  name: 'R9',
  what: 'a late phase one after a time-out rollback: a service stands still before its local commit',
  count: 1_000,
  async run(options) {
    let late = 0;
    const findings = await play({
      ...options,
      faults: [lateTransfers(options.count)],
      bank: { timeoutMs: TIMEOUT_MS, clients: 8, environment: { GLOBALTX_CLIENT_FAILPOINTS: STILL } },
      check: async (bank) => {
        late = await countLate(bank);
        return [];
      },
    });
    return { ...findings, faults: late };
  },
};
