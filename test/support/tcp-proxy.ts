import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Which way bytes go: 'up' from client to server, 'down' from server to client. */
export type Direction = 'up' | 'down';

/**
 * What becomes of a chunk of bytes. 'pass': it goes on. 'drop': it vanishes, and so does all that follows it in
 * this direction of this connection, because TCP never loses a piece out of the middle. 'reset': both sides see
 * the connection reset, and the chunk does not arrive. 'reset after': it arrives, then the connection is reset.
 */
export type Verdict = 'pass' | 'drop' | 'reset' | 'reset after';

/** @param connection the number of the connection, counted from 1 in the order in which they were accepted */
export type Inspect = (chunk: Buffer, direction: Direction, connection: number) => Verdict;

/** What the end of a direction carries. */
const NOTHING = Buffer.alloc(0);

interface Pair {
  readonly number: number;
  readonly client: Socket;
  readonly server: Socket;
  /** Directions in which nothing arrives any more. */
  readonly dead: Set<Direction>;
}

/** A TCP proxy on loopback that loses, delays and cuts what passes through it. */
export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  #listener: Server | undefined;
  #port = 0;
  #delay: (chunk: Buffer, direction: Direction) => number = () => 0;
  #inspect: Inspect = () => 'pass';
  #accepted = 0;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  /** Listens on a free port of 127.0.0.1 and leads to `port` there. */
  static async start(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host: '127.0.0.1', port });
    await proxy.accept();
    return proxy;
  }

  /** The same for the proxy's whole life. */
  get port(): number {
    return this.#port;
  }

  /** `127.0.0.1:PORT` */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Connections that stand now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Connections ever accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /**
   * Holds every chunk back for so many milliseconds, in both directions, from now on; or each for as long as the
   * function says, and what follows on its connection with it. 0: not at all.
   */
  delay(milliseconds: number | ((chunk: Buffer, direction: Direction) => number)): void {
    this.#delay = typeof milliseconds === 'number' ? () => milliseconds : milliseconds;
  }

  /** The connections that stand stay up, but nothing arrives on them any more. New ones are not touched. */
  halfOpen(...directions: Direction[]): void {
    const dead: readonly Direction[] = directions.length > 0 ? directions : ['up', 'down'];
    for (const pair of this.#pairs) for (const direction of dead) pair.dead.add(direction);
  }

  /** Asks `inspect` about every chunk from now on. */
  inspect(inspect: Inspect): void {
    this.#inspect = inspect;
  }

  /** No delay and no inspection from now on. A connection that has lost bytes stays dead. */
  pass(): void {
    this.#delay = () => 0;
    this.#inspect = () => 'pass';
  }

  /** Cuts every connection that stands: both sides see it reset. */
  reset(): void {
    for (const pair of this.#pairs) this.#cut(pair);
  }

  /** Takes no new connection until `accept()`: they are refused. */
  async refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener === undefined) return;
    const closed = once(listener, 'close');
    listener.close();
    this.reset();
    await closed;
  }

  async accept(): Promise<void> {
    if (this.#listener !== undefined) return;
    const listener = createServer({ pauseOnConnect: true }, (client) => this.#accept(client));
    listener.listen(this.#port, '127.0.0.1');
    await once(listener, 'listening');
    this.#port = (listener.address() as AddressInfo).port;
    this.#listener = listener;
  }

  async stop(): Promise<void> {
    await this.refuse();
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    const server = connect(this.#target);
    const pair: Pair = { number: this.#accepted, client, server, dead: new Set() };
    this.#pairs.add(pair);
    client.setNoDelay(true);
    server.setNoDelay(true);
    this.#pump(pair, client, server, 'up');
    this.#pump(pair, server, client, 'down');
    client.resume();
  }

  #pump(pair: Pair, from: Socket, to: Socket, direction: Direction): void {
    const inOrder = new DelayedQueue();
    from.on('data', (chunk: Buffer) => {
      inOrder.after(this.#delay(chunk, direction), () => this.#pass(pair, to, chunk, direction));
    });
    from.on('end', () => {
      inOrder.after(this.#delay(NOTHING, direction), () => {
        if (!pair.dead.has(direction)) to.end();
      });
    });
    // An error of one side is a reset for the other.
    from.on('error', () => this.#cut(pair));
    // The other side of a half-open connection lives on, until it ends by itself or is cut.
    from.on('close', () => {
      if (to.destroyed) this.#pairs.delete(pair);
    });
  }

  #pass(pair: Pair, to: Socket, chunk: Buffer, direction: Direction): void {
    if (pair.dead.has(direction)) return;
    const verdict = this.#inspect(chunk, direction, pair.number);
    switch (verdict) {
      case 'pass':
        if (!to.destroyed) to.write(chunk);
        break;
      case 'drop':
        pair.dead.add(direction);
        break;
      case 'reset':
        this.#cut(pair);
        break;
      case 'reset after':
        to.write(chunk, () => this.#cut(pair));
        break;
    }
  }

  #cut(pair: Pair): void {
    this.#pairs.delete(pair);
    for (const socket of [pair.client, pair.server]) {
      if (socket.destroyed) continue;
      // A reset of a socket that has sent its end fails in libuv, and the handle would never be closed.
      if (socket.writableEnded || socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}

/** Does one thing after the other, each after its delay, never one before an earlier one. */
class DelayedQueue {
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  after(delayMs: number, action: () => void): void {
    if (delayMs === 0 && this.#waiting === 0) {
      action();
      return;
    }
    const due = Date.now() + delayMs;
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      await sleep(Math.max(0, due - Date.now()));
      this.#waiting -= 1;
      action();
    });
  }
}
