import assert from 'node:assert/strict';
import { abandon, settle } from '../../../src/client/transaction/settle.js';
import type { Participant } from '../../../src/client/transaction/transaction.js';

const NEVER = new Promise<void>(() => {});

function participant(facts: Partial<Participant>): Participant {
  return {
    description: 'UPDATE on pool shop',
    open: false,
    settled: async () => {},
    abandon: async () => {},
    ...facts,
  };
}

describe('what is under way at the end of a transaction', () => {
  it('is waited for, but not for ever', async () => {
    assert.equal(await settle([], 0), true);
    assert.equal(await settle([participant({})], 1_000), true);
    assert.equal(await settle([participant({}), participant({ settled: () => NEVER })], 20), false);
  });

  it('counts as over when it failed', async () => {
    assert.equal(
      await settle([participant({ settled: () => Promise.reject(new Error('gone')) })], 1_000),
      true,
    );
  });

  it('is given up, each by itself, and what could not be given up is told', async () => {
    let given = 0;
    const errors = await abandon(
      [
        participant({ abandon: () => NEVER }),
        participant({ abandon: () => Promise.reject(new Error('gone')) }),
        participant({
          abandon: async () => {
            given += 1;
          },
        }),
      ],
      20,
    );
    assert.equal(given, 1);
    assert.deepEqual(errors.map(String), [
      'Error: UPDATE on pool shop is still busy after 20 ms',
      'Error: gone',
    ]);
  });
});
