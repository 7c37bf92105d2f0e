import { EventEmitter } from 'node:events';
import type { CoreCommand, CoreConnection, ResultCallback } from './core.js';

const COM_SET_OPTION = 0x1b;
const MULTI_STATEMENTS_ON = 0;
const MULTI_STATEMENTS_OFF = 1;

/** COM_SET_OPTION, which mysql2 does not have: whether the next texts may hold several statements. */
export class SetMultiStatements extends EventEmitter implements CoreCommand {
  readonly #on: boolean;
  readonly onResult: ResultCallback;
  #sent = false;

  constructor(on: boolean, onResult: ResultCallback) {
    super();
    this.#on = on;
    this.onResult = onResult;
  }

  execute(packet: unknown, connection: CoreConnection): boolean {
    if (!this.#sent) {
      this.#sent = true;
      const option = this.#on ? MULTI_STATEMENTS_ON : MULTI_STATEMENTS_OFF;
      const buffer = Buffer.from([3, 0, 0, 0, COM_SET_OPTION, option, 0]);
      connection.sequenceId = 1;
      connection.compressedSequenceId = 0;
      connection.write(buffer);
      return false;
    }
    const answer = packet as { isError(): boolean; asError(encoding: string): Error };
    this.onResult(answer.isError() ? answer.asError(connection.clientEncoding) : null, []);
    this.emit('end');
    return true;
  }
}
