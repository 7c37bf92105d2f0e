import { EventEmitter } from 'node:events';
import type { CoreCommand, CoreConnection } from './core.js';

interface Unanswered {
  readonly command: CoreCommand;
  /** mysql2 numbers the packets of each command and its answer from 0. */
  readonly sequenceId: number;
}

/**
 * Commands that are written to the server at once, so that all of them take one round trip. The server runs them
 * in their order, each of them whatever has become of those before it; each gets its own answer.
 */
export class Pipeline extends EventEmitter implements CoreCommand {
  readonly #commands: readonly CoreCommand[];
  readonly #unanswered: Unanswered[] = [];
  #sent = false;

  constructor(commands: readonly CoreCommand[]) {
    super();
    this.#commands = commands;
  }

  /** Called by mysql2: without a packet when the queue has come to it, then with each packet of the answers. */
  execute(packet: unknown, connection: CoreConnection): boolean {
    if (!this.#sent) {
      this.#sent = true;
      this.#send(connection);
    } else if (this.#unanswered[0]?.command.execute(packet, connection) === true) {
      this.#unanswered.shift();
    } else {
      return false;
    }
    const [next] = this.#unanswered;
    if (next === undefined) {
      this.emit('end');
      return true;
    }
    connection.sequenceId = next.sequenceId;
    return false;
  }

  /** Called by mysql2 when the connection is lost. */
  readonly onResult = (error: Error | null): void => {
    for (const { command } of this.#sent
      ? this.#unanswered
      : this.#commands.map((command) => ({ command }))) {
      command.onResult?.(error);
    }
  };

  #send(connection: CoreConnection): void {
    const { stream } = connection;
    stream.cork?.();
    try {
      for (const command of this.#commands) {
        // One that mysql2 cannot write has failed already, and will get no answer.
        if (command.execute(undefined, connection)) continue;
        this.#unanswered.push({ command, sequenceId: connection.sequenceId });
      }
    } finally {
      stream.uncork?.();
    }
  }
}
