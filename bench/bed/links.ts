import { TcpProxy } from '../../test/support/tcp-proxy.js';

/*
 * The network, in a process of its own: everything between the load and the servers passes here, held back and
 * counted.
 */

export interface LinkOptions {
  readonly ports: readonly number[];
  /** Added to each round trip, in milliseconds: on the way to the server, nothing on the way back. */
  readonly delayMs: number;
}

export type LinkRequest = 'ports' | 'count';

export interface LinkReply {
  /** Where the links lead from, in the order of the options. */
  readonly ports: readonly number[];
  /**
   * Since the last count, on marked connections: how often the application's side spoke in turn, whatever it wrote
   * in one go. With one transaction in flight that is one packet each, or several back to back.
   */
  readonly packets: number;
}

/** The connections of the load carry it once; those that globaltx opens for itself do not. */
const MARK = '@bench';

class Counter {
  readonly #marked = new Set<string>();
  readonly #speaking = new Set<string>();
  #packets = 0;

  /** @param connection of all links */
  see(chunk: Buffer, up: boolean, connection: string): void {
    if (!up) {
      this.#speaking.delete(connection);
      return;
    }
    if (!this.#marked.has(connection) && chunk.includes(MARK)) this.#marked.add(connection);
    if (this.#marked.has(connection) && !this.#speaking.has(connection)) this.#packets += 1;
    this.#speaking.add(connection);
  }

  take(): number {
    const packets = this.#packets;
    this.#packets = 0;
    return packets;
  }
}

const { ports, delayMs } = JSON.parse(process.argv[2]!) as LinkOptions;
const counter = new Counter();
const links = await Promise.all(ports.map((port) => TcpProxy.start(port)));
links.forEach((link, at) => {
  link.delay((_chunk, direction) => (direction === 'up' ? delayMs : 0));
  link.inspect((chunk, direction, connection) => {
    counter.see(chunk, direction === 'up', `${at}/${connection}`);
    return 'pass';
  });
});

process.on('message', (request: LinkRequest) => {
  const reply: LinkReply = {
    ports: links.map((link) => link.port),
    packets: request === 'count' ? counter.take() : 0,
  };
  process.send!(reply);
});
