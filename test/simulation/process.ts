import type { ClientBody, ServerBody } from '../../src/protocol/frames.js';
import { type Routine, start, until } from './coroutine.js';
import type { Database, LocalTransaction } from './database.js';
import type { Stream } from './network.js';
import { handlePush } from './phase-two-model.js';
import type { World } from './world.js';

/** A request that is sent again until it is answered, has run out of time, or the process dies. */
interface Request {
  readonly id: number;
  readonly body: ClientBody;
  readonly answered: (answer: ServerBody | undefined) => void;
}

type Report = Extract<ClientBody, { body: 'reportBranch' }>;

const RECONNECT_MS = 300;
const NO_WELCOME_MS = 3_000;
const SEND_AGAIN_MS = 2_500;

/** One life of a service process: its stream, its requests, its reports, its local transactions. */
export class Process {
  readonly slot: number;
  readonly clientId: string;
  isAlive = true;
  readonly world: World;
  readonly #requests = new Map<number, Request>();
  readonly #reports = new Map<string, Report>();
  readonly #locals = new Map<LocalTransaction, Database>();
  readonly #whenDead: (() => void)[] = [];
  #pausedUntil = 0;
  #stream: Stream | undefined;
  #isWelcome = false;
  #frames = 0;
  #names = 0;

  constructor(world: World, slot: number, life: number) {
    this.world = world;
    this.slot = slot;
    this.clientId = `process-${slot}.${life}`;
    this.#connect();
  }

  /** Runs a routine as a part of this process: it stops when the process is paused, and ends with it. */
  run<Result>(routine: Routine<Result>, done: (result: Result) => void = () => undefined): void {
    start(routine, (resume) => this.#gate(resume), done);
  }

  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.world.scheduler.time + ms);
  }

  /** Calls back when this process dies, until `forget` is called. */
  onDeath(callback: () => void): () => void {
    this.#whenDead.push(callback);
    return () => {
      const place = this.#whenDead.indexOf(callback);
      if (place !== -1) this.#whenDead.splice(place, 1);
    };
  }

  die(): void {
    this.isAlive = false;
    this.breakStream();
    for (const callback of [...this.#whenDead]) callback();
    for (const [local, database] of this.#locals) {
      // The server notices a while later that the connection is gone.
      this.world.scheduler.after(this.world.dice.under(500), () => database.rollback(local));
    }
  }

  newName(): string {
    return `${this.clientId}-${++this.#names}`;
  }

  opened(local: LocalTransaction, database: Database): void {
    this.#locals.set(local, database);
  }

  closed(local: LocalTransaction): void {
    this.#locals.delete(local);
  }

  *sleep(ms: number): Routine<void> {
    yield* until<void>((resume) => this.world.scheduler.after(ms, () => resume(undefined)));
  }

  /** @returns the answer, or undefined when none came in time */
  *request(body: ClientBody, deadlineMs: number): Routine<ServerBody | undefined> {
    return yield* until<ServerBody | undefined>((resume) => {
      const id = ++this.#frames;
      const request: Request = {
        id,
        body,
        answered: (answer) => {
          this.#requests.delete(id);
          resume(answer);
        },
      };
      this.#requests.set(id, request);
      this.#send(request);
      this.#sendAgainLater(request);
      this.world.scheduler.after(deadlineMs, () => {
        if (this.#requests.has(id)) request.answered(undefined);
      });
    });
  }

  report(report: Report): void {
    this.#reports.set(report.reportBranch.branchId, report);
    this.#send({ id: 0, body: report });
  }

  tell(body: ClientBody): void {
    this.#send({ id: 0, body });
  }

  breakStream(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    this.#isWelcome = false;
    stream.isOpen = false;
    this.world.closed(stream);
    if (this.isAlive) this.world.scheduler.after(RECONNECT_MS, () => this.#connect());
  }

  received(stream: Stream, id: number, body: ServerBody): void {
    this.#gate(() => {
      if (stream !== this.#stream) return;
      if (body.body === 'welcome') this.#welcome();
      else if (body.body === 'phaseTwo') {
        this.#reports.delete(body.phaseTwo.branchId);
        handlePush(this, body.phaseTwo);
      } else this.#requests.get(id)?.answered(body);
    });
  }

  #gate(resume: () => void): void {
    if (!this.isAlive) return;
    const { scheduler } = this.world;
    if (scheduler.time >= this.#pausedUntil) resume();
    else scheduler.after(this.#pausedUntil - scheduler.time, () => this.#gate(resume));
  }

  #connect(): void {
    if (!this.isAlive || this.#stream !== undefined) return;
    const stream = this.world.open(this);
    if (stream === undefined) {
      this.world.scheduler.after(RECONNECT_MS, () => this.#connect());
      return;
    }
    this.#stream = stream;
    const hello = { protocol: 1, clientId: this.clientId, application: 'simulated', library: 'test' };
    this.world.up(stream, { id: ++this.#frames, body: { body: 'hello', hello } });
    this.world.scheduler.after(NO_WELCOME_MS, () => {
      if (this.#stream === stream && !this.#isWelcome) this.breakStream();
    });
  }

  #welcome(): void {
    if (this.#isWelcome) return;
    this.#isWelcome = true;
    for (const report of this.#reports.values()) this.#send({ id: 0, body: report });
    for (const request of this.#requests.values()) this.#send(request);
    for (const resourceId of this.world.databases.keys()) {
      this.#enlist(resourceId);
    }
  }

  #enlist(resourceId: string): void {
    const stream = this.#stream;
    const enlistResource = { resourceId, kind: 'AT', serverId: `server of ${resourceId}`, label: resourceId };
    this.run(this.request({ body: 'enlistResource', enlistResource }, 10_000), (answer) => {
      if (answer === undefined && this.#stream === stream) this.#enlist(resourceId);
    });
  }

  #sendAgainLater(request: Request): void {
    this.world.scheduler.after(SEND_AGAIN_MS, () => {
      if (!this.isAlive || !this.#requests.has(request.id)) return;
      this.#gate(() => this.#send(request));
      this.#sendAgainLater(request);
    });
  }

  #send({ id, body }: Pick<Request, 'id' | 'body'>): void {
    if (this.#stream !== undefined && this.#isWelcome) this.world.up(this.#stream, { id, body });
  }
}
