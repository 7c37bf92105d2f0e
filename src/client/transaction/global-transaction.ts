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
  /** Names one registration within the client's life. */
  nextRequestId(): string;
}

export interface TransactionFacts {
  readonly xid: string;
  readonly name: string;
  readonly lockWaitMs: number;
  /** In milliseconds; undefined where the transaction was joined: its launcher has told the coordinator. */
  readonly timeoutMs: number | undefined;
}

interface RollbackOnly {
  readonly reason: string;
  readonly cause: unknown;
}

/** Whether the coordinator knows of the transaction. */
type Begun = 'no' | 'asked' | 'acknowledged';

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
  #rollbackOnly: RollbackOnly | undefined;
  #ended = false;
  #decisionAsked = false;

  /** @param marked called when it is marked rollback-only */
  constructor(facts: TransactionFacts, services: TransactionServices, marked: () => void = () => {}) {
    this.#marked = marked;
    this.xid = facts.xid;
    this.name = facts.name;
    this.lockWaitMs = facts.lockWaitMs;
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
    // Carried until one answer has come: begin has its effect once, and concurrent first branches may overtake
    // each other.
    const begin = this.#begun === 'acknowledged' ? null : this.#begin;
    if (begin !== null) this.#begun = 'asked';
    const { branchRegistered } = await this.#services.coordinator.request(
      {
        body: 'registerBranch',
        registerBranch: {
          ...branch,
          xid: this.xid,
          begin,
          requestId: this.#services.nextRequestId(),
          lockWaitMs,
        },
      },
      lockWaitMs + this.#services.requestTimeoutMs,
    );
    if (begin !== null) this.#begun = 'acknowledged';
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
