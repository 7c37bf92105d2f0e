import type { Failure, Hello, ServerFrame, Welcome } from '../../protocol/frames.js';
import type { Logger } from '../logger.js';
import { Link } from './link.js';
import { retryDelayMs } from './retry.js';

/** A stream that stood for less than this counts as a failed attempt: the back-off goes on. */
const STABLE_MS = 1_000;

export interface ReconnectEvents {
  opened(link: Link, welcome: Welcome): void;
  received(frames: readonly ServerFrame[]): void;
  lost(): void;
}

export type FirstWelcome = 'welcome' | 'mismatch' | 'timeout' | 'closed';

/** Keeps one link to one of the addresses, for as long as it isn't stopped. */
export class Reconnect {
  readonly #addresses: readonly [string, ...string[]];
  readonly #hello: Omit<Hello, 'protocol'>;
  readonly #logger: Logger;
  readonly #events: ReconnectEvents;
  readonly #lastFailures = new Map<string, string>();
  /** The coordinator that has welcomed this client last. */
  #coordinatorId: string | undefined;
  #waiters = new Set<(outcome: FirstWelcome) => void>();
  #turn = 0;
  #failedAttempts = 0;
  #link: Link | undefined;
  #openSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    addresses: readonly [string, ...string[]],
    hello: Omit<Hello, 'protocol'>,
    logger: Logger,
    events: ReconnectEvents,
  ) {
    this.#addresses = addresses;
    this.#hello = hello;
    this.#logger = logger;
    this.#events = events;
  }

  start(): void {
    const address = this.#addresses[this.#turn % this.#addresses.length] ?? this.#addresses[0];
    this.#link = new Link(address, this.#hello, {
      opened: (welcome) => this.#opened(address, welcome),
      received: (frames) => this.#events.received(frames),
      closed: (reason, failure) => this.#closed(address, reason, failure),
    });
  }

  /** Makes no further attempt. A link that stands is left to its owner, one that does not is dropped. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (this.#openSince === undefined) this.#link?.drop('the client was closed');
    this.#tellWaiters('closed');
  }

  firstWelcome(timeoutMs: number): Promise<FirstWelcome> {
    if (this.#openSince !== undefined) return Promise.resolve('welcome');
    if (this.#stopped) return Promise.resolve('closed');
    return new Promise((resolve) => {
      const done = (outcome: FirstWelcome): void => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        resolve(outcome);
      };
      const timer = setTimeout(() => done('timeout'), timeoutMs);
      this.#waiters.add(done);
    });
  }

  /** For error messages: which addresses were tried and what became of it. */
  tried(): string {
    if (this.#openSince !== undefined) return `the stream to ${this.#link?.address} stands`;
    const failures = this.#addresses.map(
      (address) => `${address} (${this.#lastFailures.get(address) ?? 'no answer yet'})`,
    );
    return `tried ${failures.join(', ')}`;
  }

  #opened(address: string, welcome: Welcome): void {
    this.#openSince = Date.now();
    this.#lastFailures.delete(address);
    const { coordinatorId } = welcome;
    const former = this.#coordinatorId;
    this.#coordinatorId = coordinatorId;
    if (former === undefined || former === coordinatorId) {
      this.#logger.info({ address, coordinatorId }, 'the coordinator has welcomed this client');
    } else {
      this.#logger.error(
        { address, coordinatorId, former },
        `the coordinator at ${address} is another one than before: it knows nothing of the transactions and locks that the ` +
          'former one has. All services must use one and the same coordinator, whose store is kept.',
      );
    }
    if (this.#link !== undefined) this.#events.opened(this.#link, welcome);
    this.#tellWaiters('welcome');
  }

  #closed(address: string, reason: string, failure: Failure | undefined): void {
    const wasOpen = this.#openSince !== undefined;
    const stood = wasOpen ? Date.now() - (this.#openSince ?? 0) : 0;
    this.#openSince = undefined;
    this.#link = undefined;
    this.#lastFailures.set(address, failure === undefined ? reason : `${failure.code}: ${failure.message}`);
    if (wasOpen) this.#events.lost();
    if (this.#stopped) return;
    if (failure?.code === 'PROTOCOL_MISMATCH') this.#tellWaiters('mismatch');
    this.#schedule(address, reason, wasOpen, stood);
  }

  /** The next address at once; after a whole round of them, the back-off. */
  #schedule(address: string, reason: string, wasOpen: boolean, stood: number): void {
    if (stood >= STABLE_MS) this.#failedAttempts = 0;
    this.#failedAttempts += 1;
    if (!wasOpen) this.#turn += 1;
    const rounds = Math.ceil(this.#failedAttempts / this.#addresses.length);
    const roundOver = this.#failedAttempts % this.#addresses.length === 0 || wasOpen;
    const delayMs = roundOver ? retryDelayMs(rounds) : 0;
    const facts = { address, reason, delayMs, attempt: this.#failedAttempts };
    if (wasOpen || this.#failedAttempts === this.#addresses.length) {
      this.#logger.warn(facts, `no stream to the coordinator at ${address}: ${reason}; trying again`);
    } else {
      this.#logger.debug(facts, `no stream to the coordinator at ${address}: ${reason}`);
    }
    // An idle process may end while the coordinator is away; whoever waits for an answer has a timer of its own.
    this.#timer = setTimeout(() => this.start(), delayMs).unref();
  }

  #tellWaiters(outcome: FirstWelcome): void {
    for (const tell of [...this.#waiters]) tell(outcome);
  }
}
