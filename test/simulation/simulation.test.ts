import assert from 'node:assert/strict';
import { DEFECTS } from './defects.js';
import { describeRun } from './describe.js';
import { makePlan } from './plan.js';
import { type Run, runPlan, runSeed } from './run.js';
import { shrink } from './shrink.js';

const SEEDS = 1_000;
/** A defect must be caught within so many seeds. */
const SEEDS_FOR_A_DEFECT = 400;
/** Plans that are run again with a crash at each of their writes. */
const PLANS_WITH_EVERY_CRASH = 3;

/** What the runs together must have met, or they prove little. */
const MUST_BE_MET = [
  'branchRegistered',
  'COMMITTING',
  'COMMITTED',
  'ROLLED_BACK simulated',
  'ROLLED_BACK TIMED_OUT',
  'ROLLING_BACK PHASE_ONE_UNFINISHED',
  'NEEDS_ATTENTION simulated',
  'push COMMIT',
  'push ROLLBACK',
  'LOCK_CONFLICT',
  'LOCK_WAIT_TIMEOUT',
  'DEADLOCK',
  'TIMED_OUT',
  'TRANSACTION_NOT_ACTIVE',
  'BRANCH_NOT_FOUND',
  'end CLIENT_CLOSED',
];

function mustHold(run: Run): void {
  if (run.violation !== undefined) assert.fail(`seed ${run.plan.seed}\n${describeRun(shrink(run))}`);
}

describe('the coordinator under a simulated clock, network and disk', function () {
  this.timeout(300_000);

  it(`keeps every rule in ${SEEDS} runs, and everything ends once faults have stopped`, () => {
    const met = new Map<string, number>();
    let crashes = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = runSeed(seed);
      mustHold(run);
      crashes += run.crashes;
      for (const [what, count] of run.met) met.set(what, (met.get(what) ?? 0) + count);
    }
    assert.ok(crashes >= SEEDS / 2, `only ${crashes} crashes`);
    for (const what of MUST_BE_MET) {
      assert.ok((met.get(what) ?? 0) > 5, `${what} was met ${met.get(what) ?? 0} times`);
    }
  });

  it('keeps every rule whichever write of the store it crashes at, and whatever of it survives', () => {
    for (let seed = 1; seed <= PLANS_WITH_EVERY_CRASH; seed++) {
      const plan = makePlan(seed);
      const { writes } = runPlan({ ...plan, faults: [] });
      for (let write = 1; write <= writes; write++) {
        for (const survives of [0, 0.5, 1]) {
          mustHold(
            runPlan({ ...plan, faults: [{ kind: 'coordinator crash', write, survives, downMs: 100 }] }),
          );
        }
      }
    }
  });

  it('is the same run for the same seed', () => {
    assert.deepEqual(runSeed(7).trace, runSeed(7).trace);
  });

  for (const { what, caughtBy, make, install } of DEFECTS) {
    it(`catches it when ${what}`, () => {
      const mend = install?.();
      try {
        for (let seed = 1; seed <= SEEDS_FOR_A_DEFECT; seed++) {
          const run = runSeed(seed, make);
          if (run.violation === undefined) continue;
          assert.ok(caughtBy.includes(run.violation.rule), `seed ${seed}: ${run.violation.message}`);
          return;
        }
        assert.fail('nothing was noticed');
      } finally {
        mend?.();
      }
    });
  }

  it('shrinks a violation to a few transactions that still show it', () => {
    const defect = DEFECTS.find(({ what }) => what === 'branches are not stored');
    assert.ok(defect !== undefined);
    for (let seed = 1; seed <= SEEDS_FOR_A_DEFECT; seed++) {
      const run = runSeed(seed, defect.make);
      if (run.violation === undefined || run.plan.transactions.length < 10) continue;
      const small = shrink(run, defect.make);
      assert.equal(small.violation?.rule, run.violation.rule);
      assert.ok(small.plan.transactions.length <= 3, `${small.plan.transactions.length} transactions`);
      assert.match(describeRun(small), /registerBranch/);
      return;
    }
    assert.fail('nothing was noticed');
  });
});
