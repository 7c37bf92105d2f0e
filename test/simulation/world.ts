import type { ServerBody } from '../../src/protocol/frames.js';
import { listTransactions, lockCount } from '../../src/server/core/index.js';
import { Checks } from './checks/checks.js';
import { Database } from './database.js';
import { Dice } from './dice.js';
import { type Defect, Host } from './host.js';
import { Stream, type Upstream } from './network.js';
import type { Options, Plan, PlannedFault, PlannedTransaction, Step } from './plan.js';
import { Process } from './process.js';
import { Scheduler } from './scheduler.js';
import { runTransaction, type Told } from './transaction-model.js';
import { must } from './violation.js';

export function resourceName(resource: number): string {
  return `resource-${resource}`;
}

const OPERATOR_MS = 3_000;
/** By how much the clock may have been set back in all: time that the core does not see pass. */
const SET_BACK_MS = 300_000;
/** Once faults have stopped, everything ends within this time. */
const PATIENCE_MS = 1_800_000;

/** Processes, databases, network and coordinator of one run, and what is known of it from above. */
export class World {
  readonly scheduler = new Scheduler();
  readonly checks = new Checks();
  readonly databases = new Map<string, Database>();
  readonly options: Options;
  readonly dice: Dice;
  readonly host: Host;
  readonly #plan: Plan;
  readonly #processes: Process[] = [];
  readonly #streams = new Map<number, { stream: Stream; process: Process }>();
  /** What each transaction has committed locally: by xid, then by resource and row. */
  readonly #changes = new Map<string, Map<string, number>>();
  readonly #committed = new Map<string, number>();
  readonly #told = new Map<string, Told>();
  #sessions = 0;
  #lives = 0;
  #running = 0;

  constructor(plan: Plan, defect: Defect) {
    this.#plan = plan;
    this.options = plan.options;
    this.dice = new Dice(plan.seed).stream('world');
    for (let resource = 0; resource < plan.options.resources; resource++) {
      this.databases.set(resourceName(resource), new Database(this.scheduler, plan.options.rows));
    }
    this.checks.onDecision = (xid, decision) => {
      if (decision === 'COMMIT') this.#commitAll(xid);
    };
    this.host = new Host({
      scheduler: this.scheduler,
      options: plan.options,
      faults: plan.faults,
      checks: this.checks,
      defect,
      deliver: (message) => {
        const to = this.#streams.get(message.session);
        if (to === undefined) return;
        if (message.type === 'end') {
          to.process.breakStream();
          return;
        }
        if (message.body.body === 'branchRegistered') {
          const { branchId } = message.body.branchRegistered;
          this.checks.answered(`${to.process.clientId} frame ${message.id}`, branchId);
        }
        this.#down(to.stream, to.process, message.id, message.body);
      },
      lost: () => {
        for (const { process } of [...this.#streams.values()]) process.breakStream();
      },
    });
    for (let slot = 0; slot < plan.options.processes; slot++) {
      this.#processes.push(new Process(this, slot, ++this.#lives));
    }
    for (const transaction of plan.transactions) this.#planTransaction(transaction);
    for (const fault of plan.faults) this.#planFault(fault);
    this.#operate();
  }

  /** Whether faults may still happen. */
  get isFaulty(): boolean {
    return this.scheduler.time < this.options.faultsMs;
  }

  /** Runs until everything has ended, and checks what is left. */
  run(): void {
    const limit = this.options.faultsMs + PATIENCE_MS;
    while (!this.#isSettled()) {
      must(this.scheduler.time < limit && this.scheduler.next(), 'everything ends', () => this.#unfinished());
    }
    this.#checkEnd();
    const forgotten = this.scheduler.time + this.options.core.rememberEndedMs + SET_BACK_MS;
    while (this.scheduler.time < forgotten && this.scheduler.next());
    must(
      [...this.host.records.values()].every((record) => record.type === 'fact'),
      'the store forgets what has ended',
      () => [...this.host.records.keys()].join(', '),
    );
  }

  process(slot: number): Process {
    return this.#processes[slot]!;
  }

  database(resource: number): Database {
    return this.databases.get(resourceName(resource))!;
  }

  /** A new stream, if the coordinator can be reached. */
  open(process: Process): Stream | undefined {
    if (!this.host.isUp) return undefined;
    const session = ++this.#sessions;
    const stream = new Stream(
      session,
      this.scheduler,
      new Dice(this.#plan.seed).stream(`stream ${session}`),
      this.options,
    );
    this.#streams.set(session, { stream, process });
    return stream;
  }

  closed(stream: Stream): void {
    this.#streams.delete(stream.session);
    // The coordinator notices a little later.
    this.scheduler.after(this.dice.under(2_000), () =>
      this.host.submit({ type: 'disconnected', session: stream.session }),
    );
  }

  up(stream: Stream, { id, body }: Upstream): void {
    stream.carry('up', () => this.host.submit({ type: 'frame', session: stream.session, id, body }));
  }

  committedLocally(xid: string, branchId: string, step: Step): void {
    this.checks.committedLocally(branchId);
    const changes = this.#changes.get(xid) ?? new Map<string, number>();
    this.#changes.set(xid, changes);
    for (const { row, delta } of step.changes) {
      const name = `${step.resource}/${row}`;
      changes.set(name, (changes.get(name) ?? 0) + delta);
    }
  }

  /** What a transaction that is not decided has changed in a row. */
  changedBy(xid: string, resource: number, row: number): number {
    return this.#changes.get(xid)?.get(`${resource}/${row}`) ?? 0;
  }

  committedValue(resource: number, row: number): number {
    return 1_000 + (this.#committed.get(`${resource}/${row}`) ?? 0);
  }

  #commitAll(xid: string): void {
    for (const [name, delta] of this.#changes.get(xid) ?? []) {
      this.#committed.set(name, (this.#committed.get(name) ?? 0) + delta);
    }
    this.#changes.delete(xid);
  }

  #down(stream: Stream, process: Process, id: number, body: ServerBody): void {
    stream.carry('down', () => process.received(stream, id, body));
  }

  #planTransaction(planned: PlannedTransaction): void {
    const xid = `x${planned.index}`;
    this.#running++;
    this.scheduler.after(planned.at, () => {
      const process = this.process(planned.process);
      const finish = (told: Told) => {
        this.#running--;
        this.#told.set(xid, told);
      };
      if (!process.isAlive) {
        finish('nothing');
        return;
      }
      const forget = process.onDeath(() => finish('nothing'));
      process.run(runTransaction(process, planned, xid), (told) => {
        forget();
        finish(told);
      });
    });
  }

  #planFault(fault: PlannedFault): void {
    switch (fault.kind) {
      case 'coordinator crash':
        break;
      case 'coordinator pause':
        this.scheduler.after(fault.at, () => this.host.pause(fault.ms));
        break;
      case 'clock step':
        this.scheduler.after(fault.at, () => this.host.stepClock(fault.ms));
        break;
      case 'stream break':
        this.scheduler.after(fault.at, () => this.process(fault.process).breakStream());
        break;
      case 'process crash':
        this.scheduler.after(fault.at, () => this.#restart(fault.process, fault.downMs));
        break;
      case 'process pause':
        this.scheduler.after(fault.at, () => this.process(fault.process).pause(fault.ms));
        break;
      case 'outside write':
        this.scheduler.after(fault.at, () => this.database(fault.resource).outsideWrite(fault.row));
        break;
    }
  }

  #restart(slot: number, downMs: number): void {
    if (!this.process(slot).isAlive) return;
    this.process(slot).die();
    this.scheduler.after(downMs, () => {
      this.#processes[slot] = new Process(this, slot, ++this.#lives);
    });
  }

  /**
   * A person looks now and then. What outside writers did to a branch's rows is taken back and the branch tried
   * again, or it is rolled back over their heads.
   */
  #operate(): void {
    this.scheduler.after(OPERATOR_MS, () => {
      if (this.host.isUp) {
        for (const { xid, branches } of listTransactions(this.host.state, { status: 'NEEDS_ATTENTION' })) {
          for (const { branchId, resourceId, phaseTwo } of branches) {
            if (phaseTwo !== 'ATTENTION') continue;
            if (BigInt(branchId) % 2n === 0n) {
              this.host.submit({ type: 'resolve', xid, branchId, resolution: 'RESTORE_BEFORE' });
            } else {
              this.databases.get(resourceId)?.repair(xid, branchId);
              this.host.submit({ type: 'retry', xid, branchId });
            }
          }
        }
      }
      this.#operate();
    });
  }

  #isSettled(): boolean {
    return (
      this.#running === 0 &&
      !this.isFaulty &&
      this.host.isUp &&
      this.host.state.transactions.size === 0 &&
      this.#processes.every((process) => process.isAlive)
    );
  }

  #unfinished(): string {
    const live = listTransactions(this.host.state).map(
      ({ xid, status, branches }) =>
        `${xid} ${status} (${branches.map(({ branchId, phaseTwo }) => `${branchId} ${phaseTwo}`).join(', ')})`,
    );
    return `${this.#running} launchers are at work; unfinished: ${live.join('; ')}`;
  }

  #checkEnd(): void {
    must(lockCount(this.host.state) === 0, 'no lock is left', () => `${lockCount(this.host.state)} are`);
    for (const [name, database] of this.databases) {
      const rows = [...database.undo].filter(([, row]) => row !== 'defence').map(([key]) => key);
      must(rows.length === 0, 'no undo log row is left', () => `${name}: ${rows.join(', ')}`);
    }
    for (let resource = 0; resource < this.options.resources; resource++) {
      this.database(resource).rows.forEach(({ value }, row) => {
        must(
          value === this.committedValue(resource, row),
          'money is neither made nor lost',
          () =>
            `row ${row} of ${resourceName(resource)}: ${value}, committed: ${this.committedValue(resource, row)}`,
        );
      });
    }
    for (const [xid, told] of this.#told) {
      const decision = this.checks.decisions.get(xid);
      must(
        told !== 'committed' || decision === 'COMMIT',
        'what is said to be committed is',
        () => `${xid}: ${decision ?? 'no decision'}`,
      );
      must(
        told !== 'rolled back' || decision !== 'COMMIT',
        'what is said to be rolled back is',
        () => `${xid}: committed`,
      );
    }
  }
}
