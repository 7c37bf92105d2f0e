import assert from 'node:assert/strict';
import { coordinatorFailpoint, killCoordinator } from '../faults/coordinator.js';
import { killDatabase } from '../faults/database.js';
import type { Fault } from '../faults/fault.js';
import { LINK_FAULTS } from '../faults/links.js';
import { killService, serviceFailpoint, stopService } from '../faults/service.js';
import { play } from '../play.js';
import type { Findings } from '../scenario.js';
import { SCENARIOS } from '../scenarios.js';

const TIMEOUT_MS = 300_000;
/** A test shares its machine: whether there is enough traffic to prove the real thing is for `npm run chaos`. */
const FLOOR = 1;

const missed: string[] = [];
const miss = (name: string) => missed.push(name);

/** One of each kind of R1 to R7. */
const FAULTS: readonly Fault[] = [
  killCoordinator,
  coordinatorFailpoint('before-decision-stored', 'crash', miss),
  coordinatorFailpoint('after-branch-stored', 'crash', miss),
  killService,
  stopService,
  serviceFailpoint('after-local-commit', 'crash', miss),
  killDatabase,
  ...LINK_FAULTS,
];

function assertHeld(findings: Findings): void {
  assert.deepEqual(findings.violations, []);
  assert.ok(findings.faults > 0);
}

function scenario(name: string, count: number): Promise<Findings> {
  const { run } = SCENARIOS.find((each) => each.name === name)!;
  return run({ count, from: 0, seed: 1, floor: FLOOR, say: () => undefined });
}

describe('real processes that break under traffic', function () {
  this.timeout(TIMEOUT_MS);

  it('a bank accounts for every transfer after each kind of fault', async () => {
    const findings = await play({
      ...{ count: FAULTS.length, from: 0, seed: 1, floor: FLOOR, say: () => undefined, faults: FAULTS },
      bank: { clients: 5 },
    });
    assertHeld(findings);
    assert.ok(findings.committed > 50, `only ${findings.committed} transfers were committed`);
  });

  it('a reader of all balances never sees a wrong total', async () => {
    const findings = await play({
      ...{
        count: 2,
        from: 0,
        seed: 1,
        floor: FLOOR,
        say: () => undefined,
        faults: [killCoordinator, killService],
      },
      bank: { readers: 1, clients: 3, accounts: 30 },
    });
    assertHeld(findings);
    assert.deepEqual(findings.proofless, []);
  });

  it('every effect takes place once, though frames come twice, late and again', async () => {
    assertHeld(await scenario('R8', 150));
  });

  it('what comes after the time-out leaves no trace', async () => {
    assertHeld(await scenario('R9', 15));
  });

  it('a row that someone has changed is never overwritten', async () => {
    assertHeld(await scenario('R10', 10));
  });

  it('of two transactions that lock in opposite order one is ended at once, and the other commits', async () => {
    const findings = await scenario('R12', 30);
    // One that waited for a busy machine is for `npm run chaos` to judge; here most must be quick.
    const late = findings.violations.filter((sentence) => sentence.includes('only after'));
    assert.deepEqual(
      findings.violations.filter((sentence) => !late.includes(sentence)),
      [],
    );
    assert.ok(late.length < 10, late.join('\n'));
    assert.equal(findings.committed, 30);
  });
});
