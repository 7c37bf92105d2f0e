import { EventEmitter } from 'node:events';
import type { CoreCommand, CoreConnection } from './core.js';

interface Unanswered {
  readonly command: CoreCommand;
  /** mysql2 numbers the packets of each command and its answer from 0. */
  readonly sequenceId: number;
}

interface AnswerPacket {
  readonly sequenceId: number;
  readonly numPackets: number;
}

/**
 * Commands that are written to the server at once, so that all of them take one round trip. The server runs them
 * in their order, each of them whatever has become of those before it; each gets its own answer.
 */
export class Pipeline extends EventEmitter implements CoreCommand {
  readonly #commands: readonly CoreCommand[];
  readonly #unanswered: Unanswered[] = [];
  #sent = false;
  /** The number of the next packet of the answer that has begun. */
  #continues: number | undefined;

  constructor(commands: readonly CoreCommand[]) {
    super();
    this.#commands = commands;
  }

  /** Called by mysql2: without a packet when the queue has come to it, then with each packet of the answers. */
  execute(packet: unknown, connection: CoreConnection): boolean {
    if (!this.#sent) {
      this.#sent = true;
      this.#send(connection);
    } else {
      this.#breakOff(packet as AnswerPacket);
      if (this.#unanswered[0]?.command.execute(packet, connection) !== true) return false;
      this.#unanswered.shift();
      this.#continues = undefined;
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

  /**
   * KILL QUERY between the statements of one text: MariaDB has announced another result and never sends it. What comes
   * then is the first packet of the next command's answer.
   */
  #breakOff({ sequenceId, numPackets }: AnswerPacket): void {
    const [current, next] = this.#unanswered;
    const continues = this.#continues;
    if (continues !== undefined && next !== undefined && sequenceId !== continues)
      if (sequenceId === next.sequenceId) {
        this.#unanswered.shift();
        current!.command.onResult?.(new Error('The server has not answered all of the statements: killed.'));
        current!.command.emit('end');
      }
    this.#continues = (sequenceId + numPackets) % 256;
  }

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
