import assert from 'node:assert/strict';
import type { Logger } from '../../../src/client/logger.js';
import { PhaseTwoDispatcher } from '../../../src/client/resource/phase-two.js';
import type { PhaseTwoAnswer, Resource } from '../../../src/client/resource/resource.js';
import type { Decision, PhaseTwo, PhaseTwoResult } from '../../../src/protocol/frames.js';

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const DONE: PhaseTwoAnswer = { outcome: 'PHASE_TWO_DONE', code: '', detail: '' };

function push(xid: string, branchId: string, decision: Decision, attempt = 1): PhaseTwo {
  const told = { resolution: 'UNRESOLVED', phaseOneDone: true } as const;
  return { xid, branchId, resourceId: 'shop', kind: 'AT', decision, attempt, ...told };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('phase two', () => {
  let calls: string[][];
  let results: PhaseTwoResult[];
  let open: (() => void)[];
  let held: boolean;
  let answers: () => readonly PhaseTwoAnswer[] | undefined;
  let dispatcher: PhaseTwoDispatcher;

  beforeEach(() => {
    calls = [];
    results = [];
    open = [];
    held = false;
    answers = () => undefined;
    const shop: Resource = {
      identity: { resourceId: 'shop', kind: 'AT', serverId: 's', label: 'shop' },
      async phaseTwo(branches) {
        calls.push(branches.map((branch) => `${branch.xid}/${branch.branchId}`));
        if (held) await new Promise<void>((resolve) => open.push(resolve));
        return answers() ?? branches.map(() => DONE);
      },
    };
    dispatcher = new PhaseTwoDispatcher(
      (id) => (id === 'shop' ? shop : undefined),
      (result) => results.push(result),
      QUIET,
    );
  });

  const answered = () => results.map((result) => `${result.branchId}#${result.attempt} ${result.outcome}`);

  it('of commits that come together is handed over in one call, each answered in its place', async () => {
    answers = () => [DONE, { outcome: 'PHASE_TWO_RETRY', code: 'NO_DATABASE', detail: 'away' }];
    dispatcher.accept([push('a', '1', 'COMMIT')]);
    dispatcher.accept([push('b', '2', 'COMMIT')]);
    await turn();
    assert.deepEqual(calls, [['a/1', 'b/2']]);
    assert.deepEqual(answered(), ['1#1 PHASE_TWO_DONE', '2#1 PHASE_TWO_RETRY']);
    assert.equal(dispatcher.busy, false);
  });

  it('gathers commits while earlier ones are under way', async () => {
    held = true;
    dispatcher.accept([push('a', '1', 'COMMIT')]);
    await turn();
    dispatcher.accept([push('b', '2', 'COMMIT')]);
    await turn();
    for (const id of ['3', '4', '5']) {
      dispatcher.accept([push('c', id, 'COMMIT')]);
      await turn();
    }
    assert.deepEqual(calls, [['a/1'], ['b/2']]);
    open.shift()?.();
    await turn();
    assert.deepEqual(calls[2], ['c/3', 'c/4', 'c/5']);
  });

  it('rolls the branches of one transaction back one at a time, and others beside them', async () => {
    held = true;
    dispatcher.accept([push('a', '2', 'ROLLBACK'), push('a', '1', 'ROLLBACK'), push('b', '3', 'ROLLBACK')]);
    await turn();
    assert.deepEqual(calls, [['a/2'], ['b/3']]);
    open.shift()?.();
    await turn();
    assert.deepEqual(calls, [['a/2'], ['b/3'], ['a/1']]);
  });

  it('of a branch that is under way is not begun again; every push of it is answered', async () => {
    held = true;
    dispatcher.accept([push('a', '1', 'ROLLBACK')]);
    await turn();
    dispatcher.accept([push('a', '1', 'ROLLBACK', 2)]);
    dispatcher.accept([push('a', '1', 'ROLLBACK', 2)]);
    await turn();
    open.shift()?.();
    await turn();
    assert.deepEqual(calls, [['a/1']]);
    assert.deepEqual(answered(), ['1#1 PHASE_TWO_DONE', '1#2 PHASE_TWO_DONE']);
    dispatcher.accept([push('a', '1', 'ROLLBACK', 3)]);
    await turn();
    assert.equal(calls.length, 2);
  });

  it('is answered with "later" when the resource is not here', async () => {
    dispatcher.accept([{ ...push('a', '1', 'COMMIT'), resourceId: 'gone' }]);
    await turn();
    assert.deepEqual(answered(), ['1#1 PHASE_TWO_RETRY']);
    assert.equal(results[0]?.code, 'NOT_CONNECTED');
  });

  it('is answered with "later" when the resource breaks its word and throws, or answers too few', async () => {
    answers = () => {
      throw new Error('broken');
    };
    dispatcher.accept([push('a', '1', 'COMMIT')]);
    await turn();
    answers = () => [];
    dispatcher.accept([push('b', '2', 'COMMIT')]);
    await turn();
    assert.deepEqual(answered(), ['1#1 PHASE_TWO_RETRY', '2#1 PHASE_TWO_RETRY']);
    assert.deepEqual(
      results.map((result) => result.code),
      ['INTERNAL', 'INTERNAL'],
    );
  });
});
