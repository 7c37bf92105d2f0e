import type {
  ClientBody,
  EnlistResource,
  PhaseTwo,
  PhaseTwoResult,
  RegisterBranch,
  ReportBranch,
  ServerBody,
  Transaction,
} from '../../protocol/frames.js';

/** The answer to each kind of request. */
export interface Answers {
  begin: Extract<ServerBody, { body: 'done' }>;
  enlistResource: Extract<ServerBody, { body: 'done' }>;
  registerBranch: Extract<ServerBody, { body: 'branchRegistered' }>;
  commit: Extract<ServerBody, { body: 'transaction' }>;
  rollback: Extract<ServerBody, { body: 'transaction' }>;
  getTransaction: Extract<ServerBody, { body: 'transaction' }>;
}

export type RequestName = keyof Answers;
export type RequestBody<Name extends RequestName> = Extract<ClientBody, { body: Name }>;

/**
 * The client's side of the one stream, as the rest of the client sees it. A request that is in flight when
 * the stream breaks is sent again on the next one, with the same id, until its deadline.
 */
export interface Coordinator {
  /**
   * @throws GlobalTxError with the code of the coordinator's Failure, or COORDINATOR_UNAVAILABLE when no
   * answer came within `deadlineMs`, or CLIENT_CLOSED.
   */
  request<Name extends RequestName>(body: RequestBody<Name>, deadlineMs: number): Promise<Answers[Name]>;
  /** Tells the outcome of a branch's phase one; repeated after each reconnect until phase two has come. */
  report(report: ReportBranch): void;
}

export type { EnlistResource, PhaseTwo, PhaseTwoResult, RegisterBranch, ReportBranch, Transaction };
