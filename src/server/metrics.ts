import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CoreEvent, Effect, SessionId } from './core/events.js';
import { type EngineObserver, isOrdered } from './engine.js';
import type { StoreRecord } from './store/store.js';

/** What is read at the moment that somebody asks. */
export interface Gauges {
  readonly help: string;
  readonly read: () => number;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Counts what passes through the engine, for Prometheus. Names and labels come from here alone, never from a client. */
export class Metrics implements EngineObserver {
  readonly registry = new Registry();
  readonly #transactions = this.#counter(
    'transactions_total',
    'Transactions, by what became of them; those that timed out are among the rolled back',
    ['outcome'],
  );
  readonly #branches = this.#counter('branches_total', 'Branches that were registered', []);
  readonly #attention = this.#counter(
    'branches_needing_attention_total',
    'Branches that a person must decide',
    [],
  );
  readonly #retries = this.#counter(
    'phase_two_retries_total',
    'Answers to phase two that asked for another attempt',
    [],
  );
  readonly #failures = this.#counter('refusals_total', 'Requests that were refused, by code', ['code']);
  readonly #changes = this.#counter(
    'store_changes_total',
    'Records that were put into the store or deleted',
    [],
  );
  readonly #phaseTwo = this.#histogram(
    'phase_two_seconds',
    'From the decision to the end of the last branch',
    ['decision'],
  );
  readonly #lockWait = this.#histogram(
    'lock_wait_seconds',
    'How long registrations waited that could not be answered at once',
    [],
  );
  readonly #flush = this.#histogram(
    'store_flush_seconds',
    'From the begin of a write until it is on the disk',
    [],
  );
  /** When registrations that wait were asked for, by session and request. */
  readonly #waiting = new Map<SessionId, Map<number, number>>();

  constructor(gauges: Readonly<Record<string, Gauges>>) {
    collectDefaultMetrics({ register: this.registry, prefix: 'globaltx_' });
    for (const [name, { help, read }] of Object.entries(gauges)) {
      new Gauge({
        name: `globaltx_${name}`,
        help,
        registers: [this.registry],
        collect() {
          this.set(read());
        },
      });
    }
  }

  stepped(event: CoreEvent, effects: readonly Effect[], now: number): void {
    if (event.type === 'frame') this.#received(event, now);
    if (event.type === 'disconnected') this.#waiting.delete(event.session);
    for (const effect of effects) {
      if (effect.type === 'store' && effect.change.op === 'put' && !isOrdered(event, effect.change.record)) {
        this.#stored(effect.change.record);
      }
      if (effect.type === 'send') this.#sent(effect, now);
    }
  }

  flushed(changes: number, durationMs: number): void {
    this.#flush.observe(durationMs / 1_000);
    this.#changes.inc(changes);
  }

  #received(event: Extract<CoreEvent, { type: 'frame' }>, now: number): void {
    if (event.body.body === 'registerBranch') {
      const waiting = this.#waiting.get(event.session) ?? new Map<number, number>();
      this.#waiting.set(event.session, waiting.set(event.id, now));
    }
    if (event.body.body === 'phaseTwoResult' && event.body.phaseTwoResult.outcome === 'PHASE_TWO_RETRY') {
      this.#retries.inc();
    }
  }

  #stored(record: StoreRecord): void {
    if (record.type === 'branch') {
      if (record.attention !== null) this.#attention.inc();
      else if (record.partOf === undefined) this.#branches.inc();
    }
    if (record.type !== 'transaction') return;
    switch (record.status) {
      case 'ACTIVE':
        this.#transactions.inc({ outcome: 'begun' });
        return;
      case 'COMMITTED':
        this.#ended('committed', record.endedAt - record.decidedAt);
        return;
      case 'ROLLED_BACK':
        if (record.reason === 'TIMED_OUT') this.#transactions.inc({ outcome: 'timed_out' });
        this.#ended('rolled_back', record.endedAt - record.decidedAt);
        return;
      case 'COMMITTING':
      case 'ROLLING_BACK':
        return;
    }
  }

  #ended(outcome: 'committed' | 'rolled_back', phaseTwoMs: number): void {
    this.#transactions.inc({ outcome });
    this.#phaseTwo.observe({ decision: outcome === 'committed' ? 'commit' : 'rollback' }, phaseTwoMs / 1_000);
  }

  #sent(effect: Extract<Effect, { type: 'send' }>, now: number): void {
    if (effect.body.body === 'failure') this.#failures.inc({ code: effect.body.failure.code });
    const waiting = effect.id === 0 ? undefined : this.#waiting.get(effect.session);
    const since = waiting?.get(effect.id);
    if (since === undefined) return;
    waiting?.delete(effect.id);
    if (now > since) this.#lockWait.observe((now - since) / 1_000);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `globaltx_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: Label[]): Histogram<Label> {
    return new Histogram({
      name: `globaltx_${name}`,
      help,
      labelNames,
      buckets: SECONDS,
      registers: [this.registry],
    });
  }
}
