import type { ClientBody, LockMode, LockSet, ServerBody } from '../../../src/protocol/frames.js';
import {
  type CoordinatorState,
  type CoreConfig,
  type CoreEvent,
  createState,
  DEFAULT_CONFIG,
  type Effect,
  recover,
  step,
} from '../../../src/server/core/index.js';
import { keyText } from '../../../src/server/store/record-codec.js';
import type { RecordKey, StoreRecord } from '../../../src/server/store/store.js';

export interface Sent {
  readonly session: number;
  readonly id: number;
  readonly body: ServerBody;
}

export interface Registration {
  readonly requestId?: string;
  readonly resourceId?: string;
  readonly locks?: readonly LockSet[];
  readonly lockWaitMs?: number;
  readonly branchId?: string;
  readonly locksOnly?: boolean;
  readonly begin?: boolean;
  readonly timeoutMs?: number;
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

export function locks(keys: readonly string[], mode: LockMode = 'EXCLUSIVE', resourceId = 'shop'): LockSet {
  return { resourceId, table: 'stock', mode, keys };
}

/** Drives one core by hand: a clock that is set, a store in memory, and clients by session number. */
export class Desk {
  state: CoordinatorState;
  now = 1_000_000;
  readonly records = new Map<string, StoreRecord>();
  readonly sent: Sent[] = [];
  readonly ended: Extract<Effect, { type: 'end' }>[] = [];
  /** Of the last step. */
  effects: readonly Effect[] = [];
  readonly #config: CoreConfig;
  #frames = 0;
  #requests = 0;

  constructor(config: Partial<CoreConfig> = {}) {
    this.#config = { ...DEFAULT_CONFIG, ...config };
    this.state = createState(this.#config);
    this.#carryOut(recover(this.state, [], this.now));
  }

  /** A crash, and a new life from what was stored. */
  restart(): void {
    this.state = createState(this.#config);
    this.#carryOut(recover(this.state, [...this.records.values()], this.now));
  }

  connect(session: number, clientId = `client-${session}`): void {
    this.frame(session, {
      body: 'hello',
      hello: { protocol: 1, clientId, application: 'shop', library: 'test' },
    });
  }

  enlist(session: number, resourceId = 'shop', serverId = 'server-1'): ServerBody | undefined {
    const enlistResource = { resourceId, kind: 'AT', serverId, label: resourceId };
    return this.frame(session, { body: 'enlistResource', enlistResource });
  }

  begin(session: number, xid: string, timeoutMs = 0): ServerBody | undefined {
    return this.frame(session, { body: 'begin', begin: { xid, name: 'test', timeoutMs } });
  }

  register(session: number, xid: string, options: Registration = {}): ServerBody | undefined {
    return this.frame(session, {
      body: 'registerBranch',
      registerBranch: {
        xid,
        begin: options.begin === false ? null : { xid, name: 'test', timeoutMs: options.timeoutMs ?? 0 },
        requestId: options.requestId ?? `request-${++this.#requests}`,
        resourceId: options.resourceId ?? 'shop',
        kind: 'AT',
        locks: options.locks ?? [],
        lockWaitMs: options.lockWaitMs ?? 0,
        branchId: options.branchId ?? '',
        locksOnly: options.locksOnly ?? false,
      },
    });
  }

  /** Registers a branch that must get its locks, and returns its id. */
  branch(session: number, xid: string, keys: readonly string[] = [], options: Registration = {}): string {
    const answer = this.register(session, xid, { locks: [locks(keys)], ...options });
    if (answer?.body !== 'branchRegistered') throw new Error(`not registered: ${JSON.stringify(answer)}`);
    return answer.branchRegistered.branchId;
  }

  /** A branch whose local transaction is committed. */
  doneBranch(session: number, xid: string, keys: readonly string[] = [], options: Registration = {}): string {
    const branchId = this.branch(session, xid, keys, options);
    this.report(session, xid, branchId);
    return branchId;
  }

  report(
    session: number,
    xid: string,
    branchId: string,
    outcome: 'PHASE_ONE_DONE' | 'PHASE_ONE_FAILED' | 'PHASE_ONE_UNKNOWN' = 'PHASE_ONE_DONE',
  ): void {
    this.frame(session, { body: 'reportBranch', reportBranch: { xid, branchId, outcome } });
  }

  commit(session: number, xid: string): ServerBody | undefined {
    return this.frame(session, { body: 'commit', commit: { xid } });
  }

  rollback(session: number, xid: string, waitMs = 0, reason = 'no money'): ServerBody | undefined {
    return this.frame(session, { body: 'rollback', rollback: { xid, reason, waitMs } });
  }

  status(session: number, xid: string): string {
    const answer = this.frame(session, { body: 'getTransaction', getTransaction: { xid } });
    return answer?.body === 'transaction' ? answer.transaction.status : 'no answer';
  }

  /** Answers the newest push of this branch. */
  answerPush(
    branchId: string,
    outcome: 'PHASE_TWO_DONE' | 'PHASE_TWO_RETRY' | 'PHASE_TWO_NEEDS_ATTENTION' = 'PHASE_TWO_DONE',
  ): void {
    const push = this.pushes().findLast((sent) => sent.branchId === branchId);
    if (push === undefined) throw new Error(`branch ${branchId} has not been pushed`);
    const { xid, decision, attempt, session } = push;
    const code = outcome === 'PHASE_TWO_NEEDS_ATTENTION' ? 'DIRTY_WRITE' : '';
    this.frame(session, {
      body: 'phaseTwoResult',
      phaseTwoResult: { xid, branchId, decision, outcome, code, detail: '', attempt },
    });
  }

  /** Every push so far, oldest first. */
  pushes() {
    return this.sent.flatMap(({ session, body }) =>
      body.body === 'phaseTwo' ? [{ session, ...body.phaseTwo }] : [],
    );
  }

  /** The newest answer to this frame, if it has one. */
  answerTo(id: number): ServerBody | undefined {
    return this.sent.findLast((sent) => sent.id === id)?.body;
  }

  /** Store changes of the last step. */
  get written(): number {
    return this.effects.filter(({ type }) => type === 'store').length;
  }

  get lastFrame(): number {
    return this.#frames;
  }

  /** Sends a frame and returns the answer, if it came at once. */
  frame(session: number, body: ClientBody): ServerBody | undefined {
    const id = ++this.#frames;
    this.#carryOut(step(this.state, { type: 'frame', session, id, body }, this.now));
    return this.sent.findLast((sent) => sent.session === session && sent.id === id)?.body;
  }

  disconnect(session: number): void {
    this.#carryOut(step(this.state, { type: 'disconnected', session }, this.now));
  }

  retry(xid: string, branchId = ''): void {
    this.#carryOut(step(this.state, { type: 'retry', xid, branchId }, this.now));
  }

  /** What an operator orders. */
  order(order: Extract<CoreEvent, { type: 'resolve' | 'rollback' }>): void {
    this.#carryOut(step(this.state, order, this.now));
  }

  /** The coordinator ends cleanly. */
  close(): void {
    this.#carryOut(step(this.state, { type: 'closing' }, this.now));
  }

  pass(ms: number): void {
    this.now += ms;
    this.#carryOut(step(this.state, { type: 'tick' }, this.now));
  }

  #carryOut(effects: readonly Effect[]): void {
    this.effects = effects;
    for (const effect of effects) {
      switch (effect.type) {
        case 'store':
          if (effect.change.op === 'put')
            this.records.set(keyText(keyOf(effect.change.record)), effect.change.record);
          else this.records.delete(keyText(effect.change.key));
          break;
        case 'send':
          this.sent.push(effect);
          break;
        case 'end':
          this.ended.push(effect);
          break;
      }
    }
  }
}

/** What an answer says in one word: a status, a failure's code, or the kind of the answer; '' for none yet. */
export function word(answer: ServerBody | undefined): string {
  if (answer === undefined) return '';
  if (answer.body === 'transaction') return answer.transaction.status;
  if (answer.body === 'failure') return answer.failure.code;
  return answer.body;
}
