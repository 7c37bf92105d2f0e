import { GlobalTxError } from '../protocol/errors.js';
import type { Clock } from './clock.js';
import type { CoreEvent, Effect } from './core/events.js';
import type { ServerFailpoints } from './failpoints.js';
import type { Store, StoreChange, StoreRecord } from './store/store.js';

/** The pure core with its state, as the engine drives it. */
export interface Core {
  recover(records: Iterable<StoreRecord>, now: number): Effect[];
  step(event: CoreEvent, now: number): Effect[];
  /** When a tick is due, by the engine's clock. */
  nextWake(): number | undefined;
}

/** What leaves for a client. */
export type Message = Exclude<Effect, { type: 'store' }>;

/** Stands in line with the messages, and is called when its turn comes. */
interface Call {
  readonly type: 'call';
  readonly call: () => void;
}

/** Told of everything that passes, to log and to count. */
export interface EngineObserver {
  stepped(event: CoreEvent, effects: readonly Effect[], now: number): void;
  flushed(changes: number, durationMs: number): void;
}

/** Whether this record is only a branch known before, with what an operator has said of it. */
export function isOrdered(event: CoreEvent, record: StoreRecord): boolean {
  if ((event.type !== 'retry' && event.type !== 'resolve') || record.type !== 'branch') return false;
  return record.xid === event.xid && (event.branchId === '' || event.branchId === record.branchId);
}

export interface EngineParts {
  readonly core: Core;
  readonly store: Store;
  readonly clock: Clock;
  /** Takes a message whose step is durable. */
  readonly deliver: (message: Message) => void;
  /** Called once, when nothing that this process says can be trusted any more: it must end. */
  readonly fail: (error: GlobalTxError) => void;
  readonly observer: EngineObserver;
  readonly failpoints?: ServerFailpoints | undefined;
}

/** Work that waits for the disk, from which on the engine asks its feeders to stop: changes, keys, messages. */
const FULL_AT = 100_000;
/** setTimeout takes no longer delay. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Drives the core: events go in one after the other, and what they cause comes out in the same order. One
 * write is in flight at a time; what happens meanwhile makes up the next one. A message is delivered only
 * when the write that holds its step's changes, and so every write before it, is on the disk.
 */
export class Engine {
  readonly #parts: EngineParts;
  #changes: StoreChange[] = [];
  #messages: (Message | Call)[] = [];
  #weight = 0;
  #writing = false;
  #writingWeight = 0;
  #turn: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #state: 'new' | 'running' | 'closed' | 'failed' = 'new';
  #whenRelieved: (() => void)[] = [];
  #whenIdle: (() => void)[] = [];

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /**
   * Reads the store and brings the core to where it was.
   * @throws GlobalTxError STORE_CORRUPT
   */
  async start(): Promise<void> {
    const { core, store, clock } = this.#parts;
    const records: StoreRecord[] = [];
    for await (const record of store.load()) {
      records.push(record);
      clock.notBefore(latestTime(record));
    }
    this.#state = 'running';
    this.#collect(core.recover(records, clock.now()));
    this.#scheduleTurn();
  }

  submit(event: CoreEvent): void {
    if (this.#state !== 'running') return;
    const { core, clock, observer, failpoints } = this.#parts;
    try {
      failpoints?.event('before', event);
      const now = clock.now();
      const effects = core.step(event, now);
      failpoints?.event('after', event);
      this.#collect(effects);
      observer.stepped(event, effects, now);
    } catch (error) {
      // The step may have been carried out in part: only what is on the disk can be trusted now.
      this.#fail(error, 'the core could not take an event');
      return;
    }
    this.#scheduleTurn();
  }

  /** Delivers a message that the core knows nothing of, behind those of all events that went in before. */
  deliverInTurn(message: Message): void {
    if (this.#state !== 'running') return;
    this.#collect([message]);
    this.#scheduleTurn();
  }

  /** Resolves once all that went in before is durable and its messages are delivered; never after a failure. */
  durable(): Promise<void> {
    if (this.#state !== 'running') return new Promise(() => undefined);
    return new Promise((resolve) => {
      this.#collect([{ type: 'call', call: resolve }]);
      this.#scheduleTurn();
    });
  }

  /** Whether feeders should stop reading until `whenRelieved`. */
  get full(): boolean {
    return this.#weight + this.#writingWeight > FULL_AT;
  }

  /** Calls back once when there is room again. */
  whenRelieved(callback: () => void): void {
    this.#whenRelieved.push(callback);
  }

  /** How much waits for the disk: changes, lock keys and messages. */
  get backlog(): number {
    return this.#weight + this.#writingWeight;
  }

  /** Takes no more events; resolves when everything taken before is durable and delivered; never after a failure. */
  close(): Promise<void> {
    this.submit({ type: 'closing' });
    if (this.#state === 'running') this.#state = 'closed';
    clearTimeout(this.#timer);
    return new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #collect(effects: readonly (Effect | Call)[]): void {
    for (const effect of effects) {
      this.#weight += 1;
      if (effect.type !== 'store') {
        this.#messages.push(effect);
        continue;
      }
      this.#changes.push(effect.change);
      this.#weight += weightOf(effect.change);
    }
  }

  /** At the end of this turn of the event loop, so that all frames that came together share one write. */
  #scheduleTurn(): void {
    if (this.#turn !== undefined || this.#writing) return;
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      this.#carryOut();
    });
  }

  #carryOut(): void {
    if (this.#state === 'failed') return;
    const changes = this.#changes;
    const messages = this.#messages;
    this.#changes = [];
    this.#messages = [];
    this.#writingWeight = this.#weight;
    this.#weight = 0;
    if (changes.length === 0) {
      this.#finish(messages);
      return;
    }
    this.#writing = true;
    this.#write(changes).then(
      () => {
        this.#writing = false;
        this.#finish(messages);
      },
      (error: unknown) => this.#fail(error, 'the store could not be written'),
    );
  }

  async #write(changes: readonly StoreChange[]): Promise<void> {
    const { store, observer, failpoints } = this.#parts;
    failpoints?.write('before', changes);
    const begun = performance.now();
    await store.write(changes);
    observer.flushed(changes.length, performance.now() - begun);
    failpoints?.write('after', changes);
  }

  #finish(messages: readonly (Message | Call)[]): void {
    if (this.#state === 'failed') return;
    try {
      for (const message of messages) this.#deliver(message);
    } catch (error) {
      this.#fail(error, 'a message could not be delivered');
      return;
    }
    this.#writingWeight = 0;
    if (!this.full) for (const relieve of this.#whenRelieved.splice(0)) relieve();
    this.#setTimer();
    if (this.#changes.length + this.#messages.length > 0) this.#scheduleTurn();
    else if (this.#turn === undefined) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #deliver(message: Message | Call): void {
    if (message.type === 'call') {
      message.call();
      return;
    }
    const { deliver, failpoints } = this.#parts;
    failpoints?.message('before', message);
    deliver(message);
    failpoints?.message('after', message);
  }

  #setTimer(): void {
    const { core, clock } = this.#parts;
    const wakeAt = core.nextWake() ?? Number.POSITIVE_INFINITY;
    // Most of what is due is cancelled before: one tick too many costs less than a timer that is set after each write.
    if (wakeAt >= this.#wakeAt || this.#state !== 'running') return;
    clearTimeout(this.#timer);
    this.#wakeAt = wakeAt;
    // Node rounds the loop's time down: a timer may fire a millisecond before its time has come.
    const delay = Math.min(Math.max(wakeAt - clock.now(), 0) + 1, LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.submit({ type: 'tick' });
    }, delay);
  }

  #fail(error: unknown, what: string): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    const why = error instanceof Error ? error.message : String(error);
    this.#parts.fail(
      error instanceof GlobalTxError
        ? error
        : new GlobalTxError('INTERNAL', `The coordinator ends: ${what}: ${why}`, { cause: error }),
    );
  }
}

function weightOf(change: StoreChange): number {
  if (change.op === 'delete' || change.record.type !== 'branch') return 0;
  return change.record.locks.reduce((keys, locks) => keys + locks.keys.length, 0);
}

function latestTime(record: StoreRecord): number {
  switch (record.type) {
    case 'transaction':
      return Math.max(record.begunAt, record.decidedAt, record.endedAt);
    case 'branch':
      return record.registeredAt;
    case 'fact':
      return 0;
  }
}
