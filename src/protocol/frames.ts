/**
 * The frames of proto/globaltx/v1/coordinator.proto as @grpc/proto-loader gives them with the options in
 * `contract.ts`: camelCase names, enumerations as strings, 64-bit ids as decimal strings.
 */

export type LockMode = 'EXCLUSIVE' | 'SHARED';
export type PhaseOneOutcome = 'PHASE_ONE_DONE' | 'PHASE_ONE_FAILED' | 'PHASE_ONE_UNKNOWN';
export type PhaseTwoOutcome = 'PHASE_TWO_DONE' | 'PHASE_TWO_RETRY' | 'PHASE_TWO_NEEDS_ATTENTION';
export type Decision = 'COMMIT' | 'ROLLBACK';
/** What a person has decided of a branch that needed one. */
export type Resolution = 'UNRESOLVED' | 'ACCEPT_CURRENT' | 'RESTORE_BEFORE';
export type TransactionStatus =
  | 'ACTIVE'
  | 'COMMITTING'
  | 'COMMITTED'
  | 'ROLLING_BACK'
  | 'ROLLED_BACK'
  | 'NEEDS_ATTENTION'
  | 'NOT_FOUND';

export interface Hello {
  readonly protocol: number;
  readonly clientId: string;
  readonly application: string;
  readonly library: string;
}

export interface Welcome {
  readonly protocol: number;
  readonly coordinatorId: string;
  readonly maxFrameBytes: number;
}

export interface EnlistResource {
  readonly resourceId: string;
  readonly kind: string;
  readonly serverId: string;
  readonly label: string;
}

export interface WithdrawResource {
  readonly resourceId: string;
}

export interface Begin {
  readonly xid: string;
  readonly name: string;
  readonly timeoutMs: number;
}

export interface LockSet {
  readonly resourceId: string;
  readonly table: string;
  readonly mode: LockMode;
  readonly keys: readonly string[];
}

export interface RegisterBranch {
  readonly xid: string;
  readonly begin: Begin | null;
  readonly requestId: string;
  readonly resourceId: string;
  readonly kind: string;
  readonly locks: readonly LockSet[];
  readonly lockWaitMs: number;
  /** Empty for a new branch. */
  readonly branchId: string;
  readonly locksOnly: boolean;
}

export interface BranchRegistered {
  readonly branchId: string;
}

export interface ReportBranch {
  readonly xid: string;
  readonly branchId: string;
  readonly outcome: PhaseOneOutcome;
}

export interface Commit {
  readonly xid: string;
}

export interface Rollback {
  readonly xid: string;
  readonly reason: string;
  readonly waitMs: number;
}

export interface GetTransaction {
  readonly xid: string;
}

export interface Transaction {
  readonly xid: string;
  readonly status: TransactionStatus;
  readonly reason: string;
  readonly unfinishedBranches: number;
}

export interface PhaseTwo {
  readonly xid: string;
  readonly branchId: string;
  readonly resourceId: string;
  readonly kind: string;
  readonly decision: Decision;
  readonly attempt: number;
  readonly resolution: Resolution;
  /** Whether the local transaction is known to be committed; a coordinator that was started again may not know. */
  readonly phaseOneDone: boolean;
}

export interface PhaseTwoResult {
  readonly xid: string;
  readonly branchId: string;
  readonly decision: Decision;
  readonly outcome: PhaseTwoOutcome;
  readonly code: string;
  readonly detail: string;
  readonly attempt: number;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly xid: string;
  readonly details: Readonly<Record<string, string>>;
}

/** What a client sends, by the name of the oneof's member. */
export type ClientBody =
  | { readonly body: 'hello'; readonly hello: Hello }
  | { readonly body: 'enlistResource'; readonly enlistResource: EnlistResource }
  | { readonly body: 'withdrawResource'; readonly withdrawResource: WithdrawResource }
  | { readonly body: 'begin'; readonly begin: Begin }
  | { readonly body: 'registerBranch'; readonly registerBranch: RegisterBranch }
  | { readonly body: 'reportBranch'; readonly reportBranch: ReportBranch }
  | { readonly body: 'commit'; readonly commit: Commit }
  | { readonly body: 'rollback'; readonly rollback: Rollback }
  | { readonly body: 'getTransaction'; readonly getTransaction: GetTransaction }
  | { readonly body: 'phaseTwoResult'; readonly phaseTwoResult: PhaseTwoResult };

/** What the coordinator sends, by the name of the oneof's member. */
export type ServerBody =
  | { readonly body: 'welcome'; readonly welcome: Welcome }
  | { readonly body: 'done'; readonly done: Record<string, never> }
  | { readonly body: 'branchRegistered'; readonly branchRegistered: BranchRegistered }
  | { readonly body: 'transaction'; readonly transaction: Transaction }
  | { readonly body: 'phaseTwo'; readonly phaseTwo: PhaseTwo }
  | { readonly body: 'failure'; readonly failure: Failure };

export type ClientFrame = ClientBody & { readonly id: number };
export type ServerFrame = ServerBody & { readonly id: number };

export interface ClientMessage {
  readonly frames: readonly ClientFrame[];
  /** Set when the bytes that came were no message: what is wrong with them. There are no frames then. */
  readonly unreadable?: string;
}

export interface ServerMessage {
  readonly frames: readonly ServerFrame[];
}
