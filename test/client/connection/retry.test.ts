import assert from 'node:assert/strict';
import { retryDelayMs } from '../../../src/client/connection/retry.js';

describe('the retry formula', () => {
  it('doubles from 50 ms to at most 2 s', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 60].map((attempt) => retryDelayMs(attempt, () => 0));
    assert.deepEqual(delays, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
  });

  it('takes a random half off', () => {
    assert.equal(
      retryDelayMs(1, () => 1),
      25,
    );
    assert.equal(
      retryDelayMs(60, () => 1),
      1000,
    );
  });
});
