import {
  type CoordinatorState,
  type CoreEvent,
  createState,
  type Effect,
  nextWake,
  recover,
  step,
} from '../../src/server/core/index.js';
import { keyText } from '../../src/server/store/record-codec.js';
import type { RecordKey, StoreChange, StoreRecord } from '../../src/server/store/store.js';
import type { Checks } from './checks/checks.js';
import type { Options, PlannedFault } from './plan.js';
import type { Scheduler } from './scheduler.js';
import { Violation } from './violation.js';

type Message = Exclude<Effect, { type: 'store' }>;

/** A defect that a test puts into the coordinator, to show that it is caught. */
export interface Defect {
  /** Changes what the core has decided to do. */
  readonly tamper?: (effects: Effect[], state: CoordinatorState) => Effect[];
  /** Changes what the core gets to hear; undefined: nothing. */
  readonly mishear?: (event: CoreEvent) => CoreEvent | undefined;
  /** Lets messages go before their writes are done. */
  readonly hasty?: boolean;
}

/** The simulation's zero on the core's clock, in milliseconds since 1970. */
const EPOCH = 1_700_000_000_000;

export interface TraceEntry {
  readonly time: number;
  readonly what:
    | CoreEvent
    | { readonly type: 'crash' | 'recovery' | 'pause' | 'clock step'; readonly note: string };
}

export interface HostParts {
  readonly scheduler: Scheduler;
  readonly options: Options;
  readonly faults: readonly PlannedFault[];
  readonly checks: Checks;
  readonly defect: Defect;
  deliver(message: Message): void;
  /** Every stream is gone. */
  lost(): void;
}

interface Step {
  readonly changes: readonly StoreChange[];
  readonly messages: readonly Message[];
}

function keyOf(record: StoreRecord): RecordKey {
  switch (record.type) {
    case 'transaction':
      return { type: 'transaction', xid: record.xid };
    case 'branch':
      return { type: 'branch', xid: record.xid, branchId: record.branchId };
    case 'fact':
      return { type: 'fact', name: record.name };
  }
}

/** The core in its shell: a store that takes its time, crashes that lose what it has not yet, a clock that jumps. */
export class Host {
  readonly trace: TraceEntry[] = [];
  readonly records = new Map<string, StoreRecord>();
  state: CoordinatorState;
  isUp = true;
  events = 0;
  crashes = 0;
  readonly #parts: HostParts;
  #clockOffset = EPOCH;
  #life = 0;
  #writes = 0;
  #waiting: Step[] = [];
  #writing: Step[] = [];
  #pausedEvents: CoreEvent[] | undefined;
  #cancelWake: () => void = () => undefined;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.state = createState(parts.options.core);
    this.#start();
  }

  submit(event: CoreEvent): void {
    if (!this.isUp) return;
    if (this.#pausedEvents !== undefined) {
      this.#pausedEvents.push(event);
      return;
    }
    this.trace.push({ time: this.#parts.scheduler.time, what: event });
    this.events++;
    const { mishear } = this.#parts.defect;
    const heard = mishear === undefined ? event : mishear(event);
    if (heard !== undefined) this.#carryOut(heard, () => step(this.state, heard, this.#now));
  }

  stepClock(ms: number): void {
    this.trace.push({ time: this.#parts.scheduler.time, what: { type: 'clock step', note: `${ms} ms` } });
    this.#clockOffset += ms;
    if (this.isUp) this.#scheduleWake();
  }

  pause(ms: number): void {
    if (!this.isUp || this.#pausedEvents !== undefined) return;
    this.trace.push({ time: this.#parts.scheduler.time, what: { type: 'pause', note: `${ms} ms` } });
    this.#pausedEvents = [];
    const life = this.#life;
    this.#parts.scheduler.after(ms, () => {
      if (life !== this.#life) return;
      const events = this.#pausedEvents ?? [];
      this.#pausedEvents = undefined;
      for (const event of events) this.submit(event);
    });
  }

  /** How many writes the store has had. */
  get writes(): number {
    return this.#writes;
  }

  get #now(): number {
    return this.#parts.scheduler.time + this.#clockOffset;
  }

  #start(): void {
    this.#life++;
    this.isUp = true;
    this.#carryOut('recovery', () => recover(this.state, [...this.records.values()], this.#now));
  }

  #carryOut(event: CoreEvent | 'recovery', act: () => Effect[]): void {
    const { checks, defect } = this.#parts;
    const hasty = defect.hasty === true;
    let effects: Effect[];
    try {
      effects = act();
    } catch (error) {
      throw new Violation('the core never fails', error instanceof Error ? error.message : String(error));
    }
    if (event === 'recovery') checks.recovered(this.state);
    else checks.stepped(this.state, effects);
    if (defect.tamper !== undefined) effects = defect.tamper(effects, this.state);
    const changes = effects.flatMap((effect) => (effect.type === 'store' ? [effect.change] : []));
    const messages = effects.filter((effect) => effect.type !== 'store');
    if (hasty) for (const message of messages) this.#deliver(message);
    this.#waiting.push({ changes, messages: hasty ? [] : messages });
    this.#write();
    this.#scheduleWake();
  }

  #scheduleWake(): void {
    this.#cancelWake();
    const at = nextWake(this.state);
    if (at === undefined) return;
    const life = this.#life;
    this.#cancelWake = this.#parts.scheduler.after(Math.max(0, at - this.#now), () => {
      if (life === this.#life) this.submit({ type: 'tick' });
    });
  }

  #write(): void {
    if (this.#writing.length > 0) return;
    while (this.#waiting.length > 0 && this.#waiting[0]!.changes.length === 0)
      this.#deliverAll(this.#waiting.shift()!);
    if (this.#waiting.length === 0) return;
    this.#writing = this.#waiting;
    this.#waiting = [];
    this.#writes++;
    const { scheduler, options, faults } = this.#parts;
    const life = this.#life;
    const crash = faults.find((fault) => fault.kind === 'coordinator crash' && fault.write === this.#writes);
    scheduler.after(options.writeMs, () => {
      if (life !== this.#life) return;
      if (crash?.kind === 'coordinator crash') {
        this.crash(crash.survives, crash.downMs);
        return;
      }
      const steps = this.#writing;
      for (const { changes } of steps) this.#apply(changes);
      this.#writing = [];
      for (const done of steps) this.#deliverAll(done);
      this.#write();
    });
  }

  /** Whole steps are written or lost, in order: that is what the store promises. */
  crash(survives: number, downMs: number): void {
    const steps = [...this.#writing, ...this.#waiting];
    const kept = Math.round(steps.length * survives);
    for (const { changes } of steps.slice(0, kept)) this.#apply(changes);
    this.trace.push({
      time: this.#parts.scheduler.time,
      what: {
        type: 'crash',
        note: `at write ${this.#writes}; of ${steps.length} unflushed steps ${kept} survive`,
      },
    });
    this.crashes++;
    this.#life++;
    this.isUp = false;
    this.#writing = [];
    this.#waiting = [];
    this.#pausedEvents = undefined;
    this.#cancelWake();
    this.#parts.lost();
    this.#parts.scheduler.after(downMs, () => {
      this.trace.push({ time: this.#parts.scheduler.time, what: { type: 'recovery', note: '' } });
      this.state = createState(this.#parts.options.core);
      this.#start();
    });
  }

  #apply(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      this.#parts.checks.written(change);
      if (change.op === 'put') this.records.set(keyText(keyOf(change.record)), change.record);
      else this.records.delete(keyText(change.key));
    }
  }

  #deliverAll({ messages }: Step): void {
    for (const message of messages) this.#deliver(message);
  }

  #deliver(message: Message): void {
    this.#parts.checks.sent(message);
    this.#parts.deliver(message);
  }
}
