import { MAX_MESSAGE_BYTES } from '../../protocol/version.js';

export interface RetrySettings {
  /** The wait before the second attempt, in milliseconds. @default 500 */
  readonly firstMs: number;
  /** Each further wait is this many times the one before. @default 2 */
  readonly factor: number;
  /** No wait is longer, in milliseconds. @default 10,000 */
  readonly ceilingMs: number;
  /** By how much, as a part of itself, a wait is made longer or shorter at random. @default 0.2 */
  readonly jitter: number;
}

/** What an operator may set. Times are in milliseconds; what goes past a limit gets RESOURCE_EXHAUSTED with its name. */
export interface CoreConfig {
  /** Names the coordinator to its clients, until the store knows one: then that one is kept. */
  readonly coordinatorId: string;
  /** A transaction that asks for no timeout gets this one. @default 60,000 */
  readonly defaultTimeoutMs: number;
  /** A longer timeout, lock wait or rollback wait is cut to this. @default 3,600,000 */
  readonly maxTimeoutMs: number;
  /** How long a push of phase two may stay unanswered before another attempt is made. @default 30,000 */
  readonly phaseTwoTimeoutMs: number;
  readonly retry: RetrySettings;
  /** How long an ended transaction is remembered, to answer questions about it. @default 3,600,000 */
  readonly rememberEndedMs: number;
  /** How long a commit waits for reports of phase one that are missing. @default 5,000 */
  readonly commitPatienceMs: number;
  /** How long a change that no message speaks of may stay unwritten. @default 200 */
  readonly writeLaterMs: number;
  /** Ids are reserved in the store by so many at once. @default 10,000 */
  readonly branchIdBlock: number;
  /** How many pushes one client may have unanswered. @default 1,000 */
  readonly maxPushes: number;
  /** @default 10,000 */
  readonly maxSessions: number;
  /** Transactions that have not ended. @default 100,000 */
  readonly maxTransactions: number;
  /** Branches of one transaction. @default 100,000 */
  readonly maxBranches: number;
  /** Registrations of all transactions that have not ended: each needs room, without a lock, too. @default 1,000,000 */
  readonly maxRegistrations: number;
  /** Locks that are held or waited for. @default 5,000,000 */
  readonly maxLocks: number;
  /** Requests of one client that wait for a lock, a report or a rollback. @default 10,000 */
  readonly maxWaiting: number;
  /** Resources of one client. @default 1,000 */
  readonly maxResources: number;
  /** Ended transactions that are remembered; past it the oldest are forgotten early. @default 500,000 */
  readonly maxEnded: number;
  /** The longest message on the wire, in bytes; told to clients. */
  readonly maxFrameBytes: number;
  /** Where the jitter's random numbers start. */
  readonly seed: number;
}

export const DEFAULT_CONFIG: CoreConfig = {
  coordinatorId: 'coordinator',
  defaultTimeoutMs: 60_000,
  maxTimeoutMs: 3_600_000,
  phaseTwoTimeoutMs: 30_000,
  retry: { firstMs: 500, factor: 2, ceilingMs: 10_000, jitter: 0.2 },
  rememberEndedMs: 3_600_000,
  commitPatienceMs: 5_000,
  writeLaterMs: 200,
  branchIdBlock: 10_000,
  maxPushes: 1_000,
  maxSessions: 10_000,
  maxTransactions: 100_000,
  maxBranches: 100_000,
  maxRegistrations: 1_000_000,
  maxLocks: 5_000_000,
  maxWaiting: 10_000,
  maxResources: 1_000,
  maxEnded: 500_000,
  maxFrameBytes: MAX_MESSAGE_BYTES,
  seed: 1,
};
