import assert from 'node:assert/strict';
import type { ConnectionLine, MakeCommand, Outcome } from '../../../src/client/mysql2/connection-line.js';
import type { QueryCommand } from '../../../src/client/mysql2/core.js';
import { LocalLine } from '../../../src/client/mysql2/local-line.js';

const ROLLBACK = 'ROLLBACK AND NO CHAIN NO RELEASE';

/** A connection on which the first statements of a kind fail. */
class FailingLine {
  readonly sent: string[] = [];
  destroyed = false;
  readonly #failures: Error[];

  constructor(...failures: Error[]) {
    this.#failures = failures;
  }

  run(make: MakeCommand): Promise<Outcome> {
    this.sent.push((make(() => {}) as QueryCommand).sql);
    const failure = this.#failures.shift();
    return failure === undefined
      ? Promise.resolve({ rows: undefined, fields: undefined })
      : Promise.reject(failure);
  }

  destroy(): void {
    this.destroyed = true;
  }
}

function killed(): Error {
  return Object.assign(new Error('Query execution was interrupted'), { errno: 1317 });
}

function localLine(line: FailingLine): LocalLine {
  return new LocalLine(line as unknown as ConnectionLine);
}

describe('the ROLLBACK of a local transaction', () => {
  it('is sent again when KILL QUERY has hit it: MariaDB leaves the transaction open then', async () => {
    const line = new FailingLine(killed());
    await localLine(line).rollback();
    assert.deepEqual(line.sent, [ROLLBACK, ROLLBACK]);
    assert.equal(line.destroyed, false);
  });

  it('is left to the end of the connection when it fails twice', async () => {
    const line = new FailingLine(killed(), killed());
    await localLine(line).rollback();
    assert.equal(line.destroyed, true);
  });

  it('needs no other when the connection is lost', async () => {
    const lost = Object.assign(new Error('lost'), { fatal: true });
    const line = new FailingLine(lost);
    await assert.rejects(localLine(line).rollback(), lost);
    assert.deepEqual(line.sent, [ROLLBACK]);
  });
});
