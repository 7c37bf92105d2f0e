import assert from 'node:assert/strict';
import { trusting } from '../../../src/client/propagation/trust.js';

describe('whom a carrier trusts', () => {
  it('is everybody when nothing is said', () => {
    assert.equal(trusting(undefined)('who', undefined), true);
  });

  it('is those for whom a function gives true, and nothing else', () => {
    const answers: unknown[] = [true, false, 1, 'yes', undefined, Promise.resolve(true)];
    const trusts = trusting<number>(((index: number) => answers[index]) as (index: number) => boolean);
    assert.deepEqual(
      answers.map((_, index) => trusts(index, undefined)),
      [true, false, false, false, false, false],
    );
  });

  it('is those whose address is on the list, or in a network of it', () => {
    const trusts = trusting(['127.0.0.1', '10.1.0.0/16', 'fd00::/8']);
    const addresses = ['127.0.0.1', '127.0.0.2', '10.1.255.255', '10.2.0.0', 'fd12::1', 'fe80::1'];
    assert.deepEqual(
      addresses.filter((address) => trusts('who', address)),
      ['127.0.0.1', '10.1.255.255', 'fd12::1'],
    );
    assert.equal(trusts('who', '::ffff:10.1.2.3'), true);
    assert.equal(trusts('who', undefined), false);
    assert.equal(trusts('who', '/run/socket'), false);
  });

  it('is nobody when the list is empty', () => {
    assert.equal(trusting([])('who', '127.0.0.1'), false);
  });

  it('is refused with INVALID_OPTION when it makes no sense', () => {
    for (const entry of [
      'localhost',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '::/129',
      '',
      '10.0.0.1/-1',
    ]) {
      assert.throws(() => trusting([entry]), { code: 'INVALID_OPTION' }, entry);
    }
    assert.throws(() => trusting('127.0.0.1' as never), { code: 'INVALID_OPTION' });
  });
});
