import assert from 'node:assert/strict';
import { Reports } from '../../../src/client/connection/reports.js';

const done = (xid: string, branchId: string) => ({ xid, branchId, outcome: 'PHASE_ONE_DONE' }) as const;

function kept(reports: Reports): string[] {
  return [...reports.all()].map((report) => `${report.xid}/${report.branchId}`);
}

describe('phase-one reports that are kept for the next stream', () => {
  it('are forgotten branch by branch as phase two comes, and all at once when the decision is known', () => {
    const reports = new Reports();
    for (const [xid, branch] of [
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
    ] as const) {
      reports.add(done(xid, branch));
    }
    reports.branchDecided('a', '1');
    assert.deepEqual(kept(reports), ['a/2', 'b/3']);
    reports.transactionDecided('b');
    reports.branchDecided('b', '3');
    assert.deepEqual(kept(reports), ['a/2']);
    assert.equal(reports.size, 1);
  });

  it('keep the last word about a branch', () => {
    const reports = new Reports();
    reports.add(done('a', '1'));
    reports.add({ xid: 'a', branchId: '1', outcome: 'PHASE_ONE_UNKNOWN' });
    assert.deepEqual([...reports.all()], [{ xid: 'a', branchId: '1', outcome: 'PHASE_ONE_UNKNOWN' }]);
  });

  it('do not fill the memory of a process that never sees the end of its transactions', () => {
    let now = 0;
    const reports = new Reports(() => now);
    for (let index = 0; index < 120_000; index += 1) reports.add(done(`x${index}`, '1'));
    assert.ok(reports.size <= 100_000);
    assert.equal(kept(reports).at(-1), 'x119999/1');
    now = 60 * 60 * 1_000 + 1;
    reports.add(done('later', '1'));
    assert.deepEqual(kept(reports), ['later/1']);
  });
});
