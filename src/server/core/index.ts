export { type CoreConfig, DEFAULT_CONFIG, type RetrySettings } from './config.js';
export type { CoreEvent, Effect, SessionId } from './events.js';
export { judgeOrder, type OrderRefusal } from './orders.js';
export {
  branchPage,
  countStatuses,
  lockPage,
  oneTransaction,
  type StatusCounts,
  summary,
  transactionPage,
} from './pages.js';
export { recover } from './recover.js';
export { type CoordinatorState, createState } from './state.js';
export { nextWake, step } from './step.js';
export { PHASE_TWO_TRANSITIONS, TRANSACTION_TRANSITIONS } from './transitions.js';
export {
  type BranchView,
  type Counts,
  counts,
  type LockView,
  listLocks,
  listTransactions,
  listWaits,
  lockCount,
  type TransactionFilter,
  type TransactionView,
  type WaitView,
} from './views.js';
