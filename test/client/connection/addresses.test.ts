import assert from 'node:assert/strict';
import { parseAddresses } from '../../../src/client/connection/addresses.js';

describe('the addresses of the coordinator', () => {
  it('are read with and without a port, several separated by commas', () => {
    assert.deepEqual(parseAddresses('localhost'), ['localhost:8091']);
    assert.deepEqual(parseAddresses('tc-1:9000, tc-2 ,[::1]:7'), ['tc-1:9000', 'tc-2:8091', '[::1]:7']);
  });

  for (const text of ['', ' , ', 'a:b', 'a:0', 'a:65536', 'http://a:8091', 'a b', '::1']) {
    it(`refuses '${text}' with INVALID_OPTION`, () => {
      assert.throws(() => parseAddresses(text), { code: 'INVALID_OPTION' });
    });
  }
});
