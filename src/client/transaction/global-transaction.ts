import { GlobalTxError } from '../../protocol/errors.js';
import type { Begin, PhaseOneOutcome } from '../../protocol/frames.js';
import type { Coordinator } from '../connection/coordinator.js';
import type { TransactionHooks } from './hooks.js';
import { checkedHooks } from './run-options.js';
import type { BranchRequest, Participant, Transaction } from './transaction.js';

/** What a transaction needs of its client. */
export interface TransactionServices {
  readonly coordinator: Coordinator;
  /** How long an answer may take that waits for nothing, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long one write may wait for its locks where the transaction does not say, in milliseconds. */
  readonly lockWaitMs: number;
  /** Names one registration within the client's life. */
  nextRequestId(): string;
}

export interface TransactionFacts {
  readonly xid: string;
  readonly name: string;
  /** In milliseconds; undefined: the client's. */
  readonly lockWaitMs: number | undefined;
  /** In milliseconds; undefined where the transaction was joined: its launcher has told the coordinator. */
  readonly timeoutMs: number | undefined;
}

interface RollbackOnly {
  readonly reason: string;
  readonly cause: unknown;
}

/** Whether the coordinator knows of the transaction. */
type Begun = 'no' | 'asked' | 'acknowledged';

/** A registration that begins the transaction on its way. */
interface Carrier {
  readonly frame: { begin: Begin | null };
  readonly over: Promise<unknown>;
}

/** A global transaction in this process. Its end is the matter of `completion.ts`. */
export class GlobalTransaction implements Transaction {
  readonly xid: string;
  readonly name: string;
  readonly role: 'launcher' | 'participant';
  readonly lockWaitMs: number;
  readonly #services: TransactionServices;
  readonly #begin: Begin | null;
  readonly #participants = new Set<Participant>();
  readonly #hooks: TransactionHooks[] = [];
  readonly #marked: () => void;
  #begun: Begun = 'no';
  #beginning: Promise<void> | undefined;
  /** Registrations that carry begin and have no answer. */
  readonly #carriers = new Set<Carrier>();
  #rollbackOnly: RollbackOnly | undefined;
  #ended = false;
  #decisionAsked = false;

  /** @param marked called when it is marked rollback-only */
  constructor(facts: TransactionFacts, services: TransactionServices, marked: () => void = () => {}) {
    this.#marked = marked;
    this.xid = facts.xid;
    this.name = facts.name;
    this.lockWaitMs = facts.lockWaitMs ?? services.lockWaitMs;
    this.role = facts.timeoutMs === undefined ? 'participant' : 'launcher';
    this.#begin =
      facts.timeoutMs === undefined ? null : { xid: facts.xid, name: facts.name, timeoutMs: facts.timeoutMs };
    this.#services = services;
  }

  get rollbackOnly(): boolean {
    return this.#rollbackOnly !== undefined;
  }

  /** Why it can only be rolled back. */
  get rollbackOnlyReason(): RollbackOnly | undefined {
    return this.#rollbackOnly;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get begun(): Begun {
    return this.#begun;
  }

  get hasParticipants(): boolean {
    return this.#participants.size > 0;
  }

  get participants(): readonly Participant[] {
    return [...this.#participants];
  }

  get hooks(): readonly TransactionHooks[] {
    return this.#hooks;
  }

  setRollbackOnly(reason: string, cause?: unknown): void {
    if (this.#rollbackOnly !== undefined) return;
    this.#rollbackOnly = { reason, cause };
    this.#marked();
  }

  addHooks(hooks: TransactionHooks): void {
    checkedHooks(hooks);
    if (this.role === 'participant') {
      throw new GlobalTxError(
        'INVALID_OPTION',
        `hooks: the global transaction ${this.xid} was begun by another process, and only that one hears of its end`,
        { xid: this.xid },
      );
    }
    this.#refuseIfEnded('a hook');
    this.#hooks.push(hooks);
  }

  /** From now on nothing is enlisted. */
  end(): void {
    this.#ended = true;
  }

  /** The decision goes out now: what fails from here on can no longer have a say in it. */
  decisionAsked(): void {
    this.#ended = true;
    this.#decisionAsked = true;
  }

  async registerBranch(branch: BranchRequest, lockWaitMs: number = this.lockWaitMs): Promise<string> {
    this.#refuseIfEnded('a write');
    // When it fails this registration carries begin.
    if (this.#beginning !== undefined) await this.#beginning.catch(() => undefined);
    // Carried until one answer has come: begin has its effect once, and concurrent first branches may overtake
    // each other.
    const begin = this.#begun === 'acknowledged' ? null : this.#begin;
    const frame = { ...branch, xid: this.xid, begin, requestId: this.#services.nextRequestId(), lockWaitMs };
    const answer = this.#services.coordinator.request(
      { body: 'registerBranch', registerBranch: frame },
      lockWaitMs + this.#services.requestTimeoutMs,
    );
    const { branchRegistered } = begin === null ? await answer : await this.#carry(frame, answer);
    // The function threw while the registration was on its way: nothing may commit locally any more.
    if (this.#ended) this.#refuseRegistered(branch, branchRegistered.branchId);
    return branchRegistered.branchId;
  }

  reportBranch(branchId: string, outcome: PhaseOneOutcome): void {
    if (outcome === 'PHASE_ONE_UNKNOWN') {
      this.setRollbackOnly('LOCAL_COMMIT_UNKNOWN: the answer to a local COMMIT was lost');
    }
    this.#services.coordinator.report({ xid: this.xid, branchId, outcome });
  }

  async ensureBegun(): Promise<void> {
    this.#refuseIfEnded('a call to another service');
    // One of them begins it; a begin beside them might be sent again when the transaction is over and forgotten.
    while (this.#begun !== 'acknowledged' && this.#carriers.size > 0) {
      await Promise.race(Array.from(this.#carriers, ({ over }) => over));
    }
    if (this.#begin === null || this.#begun === 'acknowledged') return;
    this.#beginning ??= this.#sendBegin(this.#begin).finally(() => {
      this.#beginning = undefined;
    });
    await this.#beginning;
  }

  addParticipant(participant: Participant): () => void {
    this.#refuseIfEnded(participant.description);
    this.#participants.add(participant);
    return () => this.#participants.delete(participant);
  }

  /**
   * What the coordinator has acknowledged is not begun a second time: a registration that is sent again on a later
   * stream, when the transaction has timed out and is forgotten, would make another one, and its commit would pass
   * over what the first has rolled back.
   */
  async #carry<Answer>(frame: Carrier['frame'], answer: Promise<Answer>): Promise<Answer> {
    this.#begun = 'asked';
    const carrier = { frame, over: answer.catch(() => undefined) };
    this.#carriers.add(carrier);
    try {
      const answered = await answer;
      this.#begun = 'acknowledged';
      for (const other of this.#carriers) other.frame.begin = null;
      return answered;
    } finally {
      this.#carriers.delete(carrier);
    }
  }

  async #sendBegin(begin: Begin): Promise<void> {
    this.#begun = 'asked';
    await this.#services.coordinator.request({ body: 'begin', begin }, this.#services.requestTimeoutMs);
    this.#begun = 'acknowledged';
  }

  #refuseIfEnded(what: string): void {
    if (!this.#ended) return;
    // Work that the function has started and not awaited is lost to it: no commit may pass over that.
    if (!this.#decisionAsked) this.setRollbackOnly(`TRANSACTION_NOT_ACTIVE: ${what} came after the end`);
    throw this.#endedError(what);
  }

  #refuseRegistered(branch: BranchRequest, branchId: string): void {
    // A branch that had its id before is reported by whoever rolls it back.
    if (branch.branchId === '') this.reportBranch(branchId, 'PHASE_ONE_FAILED');
    this.#refuseIfEnded('a write');
  }

  #endedError(what: string): GlobalTxError {
    return new GlobalTxError(
      'TRANSACTION_NOT_ACTIVE',
      `${what} came after the end of the global transaction ${this.xid}. Await all work before the function returns; run what should outlive it with withoutTransaction()`,
      { xid: this.xid },
    );
  }
}
