import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { CoreCommand, CoreConnection } from '../../../src/client/mysql2/core.js';
import { Pipeline } from '../../../src/client/mysql2/pipeline.js';

/** Takes as many packets as it is given results. */
class Text extends EventEmitter implements CoreCommand {
  readonly told: string[] = [];
  #results: number;

  constructor(results: number) {
    super();
    this.#results = results;
    this.on('end', () => this.told.push('end'));
  }

  readonly onResult = (error: Error | null) => {
    this.told.push(error?.message ?? 'done');
  };

  execute(packet: unknown, connection: CoreConnection): boolean {
    if (packet === undefined) {
      connection.sequenceId = 1;
      return false;
    }
    this.told.push('packet');
    this.#results -= 1;
    if (this.#results === 0) this.emit('end');
    return this.#results === 0;
  }
}

describe('several commands in one packet', () => {
  it('are each given their own answer, also where the server has announced a result that it never sends', () => {
    const [killed, next] = [new Text(3), new Text(1)];
    const connection = { stream: new EventEmitter(), sequenceId: 0 } as unknown as CoreConnection;
    const pipeline = new Pipeline([killed, next]);
    assert.equal(pipeline.execute(undefined, connection), false);
    assert.equal(pipeline.execute({ sequenceId: 1, numPackets: 1 }, connection), false);
    assert.equal(pipeline.execute({ sequenceId: 2, numPackets: 1 }, connection), false);
    assert.equal(pipeline.execute({ sequenceId: 1, numPackets: 1 }, connection), true);
    assert.deepEqual(killed.told, [
      'packet',
      'packet',
      'The server has not answered all of the statements: killed.',
      'end',
    ]);
    assert.deepEqual(next.told, ['packet', 'end']);
  });
});
