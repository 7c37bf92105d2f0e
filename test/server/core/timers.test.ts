import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Timers } from '../../../src/server/core/timers.js';

describe('timers', () => {
  it('come due in order, those of one time in the order of setting, and never when cancelled', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(3))), (plan) => {
        const timers = new Timers<number>();
        const set = plan.map(([at], index) => timers.set(at, index));
        plan.forEach(([, fate], index) => {
          if (fate === 0) timers.cancel(set[index]);
        });
        const expected = plan
          .map(([at, fate], index) => ({ at, fate, index }))
          .filter(({ fate }) => fate !== 0)
          .sort((a, b) => a.at - b.at || a.index - b.index)
          .map(({ index }) => index);
        const fired: number[] = [];
        for (let now = 0; now <= 20; now++) {
          for (let timer = timers.takeDue(now); timer !== undefined; timer = timers.takeDue(now)) {
            assert.equal(timer.at, now);
            fired.push(timer.due);
          }
        }
        assert.deepEqual(fired, expected);
        assert.equal(timers.next, undefined);
      }),
    );
  });
});
