import type { LockSet, RegisterBranch } from '../../protocol/frames.js';
import type { BranchRecord, RecordKey, StoredStatus } from '../store/store.js';
import type { SessionId } from './events.js';
import type { Few } from './few.js';
import type { Lock, QueueEntry } from './lock.js';
import type { Timer } from './timers.js';

/** What a timer is about. */
export type Due =
  | { readonly kind: 'timeout'; readonly transaction: GlobalTransaction }
  | { readonly kind: 'commitPatience'; readonly transaction: GlobalTransaction }
  | { readonly kind: 'lockWait'; readonly request: LockRequest }
  | { readonly kind: 'rollbackReply'; readonly transaction: GlobalTransaction; readonly reply: Reply }
  | { readonly kind: 'pushUnanswered'; readonly branch: Branch }
  | { readonly kind: 'retry'; readonly branch: Branch }
  | { readonly kind: 'writeLater' };

export type DueTimer = Timer<Due>;

/** One stream of one client. */
export interface Session {
  readonly id: SessionId;
  /** Empty until hello. */
  clientId: string;
  application: string;
  /** Told to end: whatever still comes from it is ignored. */
  over: boolean;
  readonly resources: Set<Resource>;
  /** Branches whose phase two has been pushed here and not been answered. */
  readonly pushed: Set<Branch>;
  readonly waiting: Set<LockRequest>;
  /** Requests that wait for an answer, those in `waiting` included. */
  unanswered: number;
}

/** A database (or another thing that branches belong to) and who can carry out phase two there. */
export interface Resource {
  readonly id: string;
  /** The server that the present claims name. */
  serverId: string;
  /** In the order of whose turn it is. */
  readonly claims: Map<Session, Claim>;
  /** Unfinished branches. */
  branches: number;
  /** Phase two that waits for a session with room. */
  readonly ready: Set<Branch>;
  /** Phase two that waits for its next attempt. */
  readonly backingOff: Set<Branch>;
}

export interface Claim {
  readonly kind: string;
  readonly serverId: string;
  readonly label: string;
}

/** Someone who waits for the answer to a commit or a rollback. */
export interface Reply {
  readonly session: Session;
  readonly id: number;
  timer: DueTimer | undefined;
}

export type LiveStatus = Extract<StoredStatus, 'ACTIVE' | 'COMMITTING' | 'ROLLING_BACK'>;

/** A transaction that has not ended. */
export interface GlobalTransaction {
  readonly xid: string;
  readonly name: string;
  readonly application: string;
  readonly begunAt: number;
  readonly timeoutMs: number;
  /** Larger for the younger. */
  readonly age: number;
  status: StoredStatus;
  reason: string;
  decidedAt: number;
  /** Set when it can only be rolled back: why. */
  rollbackOnly: string;
  /** Unfinished branches in the order of registration. */
  readonly branches: Map<string, Branch>;
  /** Writing branches whose phase one has not been reported. */
  unreported: number;
  /** Registrations by client and request id: waiting, or the branch that came of it. */
  readonly requests: Map<string, LockRequest | string>;
  readonly waiting: Few<LockRequest>;
  timer: DueTimer | undefined;
  patience: DueTimer | undefined;
  /** Once set, nothing joins the transaction any more. */
  commitAsked: boolean;
  readonly commitReplies: Few<Reply>;
  readonly rollbackReplies: Few<Reply>;
  /** Branches whose phase two goes on by itself: not behind another one, not in need of a person. */
  running: number;
  needingAttention: number;
  /** By resource, in the order of registration: the last one is the next to be rolled back. Set by a rollback. */
  rollbackOrder: Map<string, Branch[]> | undefined;
  /** Records that are deleted together with the end. */
  readonly leftovers: RecordKey[];
}

/** Where phase two of a branch stands; the moves are in `transitions.ts`. */
export type PhaseTwoState = 'NONE' | 'BEHIND' | 'READY' | 'PUSHED' | 'BACKING_OFF' | 'ATTENTION' | 'FINISHED';

/** Locks that were added to a branch after its registration. */
export interface Addition {
  readonly branchId: string;
  readonly requestId: string;
  readonly clientId: string;
  locks: readonly LockSet[];
}

export interface Branch {
  readonly transaction: GlobalTransaction;
  readonly id: string;
  readonly kind: string;
  readonly resource: Resource;
  readonly clientId: string;
  readonly requestId: string;
  readonly locksOnly: boolean;
  /** None any more once it is committed: locks are many, and phase two of a commit may have to wait for long. */
  locks: readonly LockSet[];
  readonly additions: Addition[];
  readonly registeredAt: number;
  phaseOne: BranchRecord['phaseOne'];
  attention: BranchRecord['attention'];
  phaseTwo: PhaseTwoState;
  /** Pushes so far in this life of the coordinator. */
  attempt: number;
  /** Answers in a row that asked for a retry. */
  failures: number;
  pushedTo: Session | undefined;
  /** The session that did not answer the last push: another one is preferred. */
  avoid: Session | undefined;
  timer: DueTimer | undefined;
  /** How many of its resources have a newer branch of the transaction to be rolled back first. */
  behind: number;
}

/** A registration that asks for its locks. */
export interface Registration {
  readonly transaction: GlobalTransaction;
  readonly frame: RegisterBranch;
  readonly clientId: string;
  /** The branch that gets the locks, when it is there already. */
  readonly target: Branch | undefined;
  readonly session: Session;
  readonly id: number;
}

/** A registration that waits for its locks. */
export interface LockRequest extends Registration {
  /** That of the last frame that has asked for it. */
  id: number;
  /** Its places in the queues, while it waits. */
  readonly entries: Map<Lock, QueueEntry>;
  /** Those of them where somebody is in the way. */
  readonly blocked: Set<QueueEntry>;
  timer: DueTimer | undefined;
  since: number;
}

/** What is remembered of an ended transaction. */
export interface EndedTransaction {
  readonly xid: string;
  readonly name: string;
  readonly application: string;
  readonly status: 'COMMITTED' | 'ROLLED_BACK';
  readonly reason: string;
  readonly begunAt: number;
  readonly endedAt: number;
  /** When it may be forgotten, by the core's clock. */
  readonly forgetAt: number;
}
