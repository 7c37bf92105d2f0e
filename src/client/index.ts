export { ERROR_CODES, type ErrorCode } from '../protocol/error-codes.js';
export { GlobalTxError, type GlobalTxErrorFacts } from '../protocol/errors.js';
export type { TransactionStatus } from '../protocol/frames.js';
export type { ConnectOptions } from './connect-options.js';
export { explain } from './explain/explain.js';
export type {
  ExplainedRefusal,
  ExplainedRow,
  ExplainedTable,
  Explanation,
} from './explain/explanation.js';
export { GlobalTransactional, type GlobalTransactionalDecorator } from './global-transactional.js';
export { GlobalTx } from './global-tx.js';
export type { Logger } from './logger.js';
export { axiosGlobalTx } from './propagation/axios.js';
export { type ExpressHandler, expressGlobalTx } from './propagation/express.js';
export { type FastifyGlobalTx, fastifyGlobalTx } from './propagation/fastify.js';
export type { Fetch } from './propagation/fetch.js';
export { transactionHeaders, XID_HEADER } from './propagation/header.js';
export { type HttpListener, httpGlobalTx } from './propagation/http.js';
export type { IncomingOptions } from './propagation/incoming.js';
export { type KoaMiddleware, koaGlobalTx } from './propagation/koa.js';
export { joinMessage, type Message, type MessageOptions } from './propagation/message.js';
export type { OutgoingOptions } from './propagation/outgoing.js';
export type { Trust } from './propagation/trust.js';
export { type UndiciInterceptor, undiciGlobalTx } from './propagation/undici.js';
export { bind } from './transaction/bind.js';
export { currentTransaction } from './transaction/context.js';
export { type GlobalLockOptions, globalLock } from './transaction/global-lock.js';
export type { CompletionOutcome, TransactionHooks } from './transaction/hooks.js';
export { withoutTransaction } from './transaction/outside.js';
export type { Propagation } from './transaction/propagation.js';
export { type RollbackReport, rollbackReport } from './transaction/rollback-report.js';
export type { ErrorClass, ErrorRule } from './transaction/rollback-rules.js';
export type { RunOptions } from './transaction/run-options.js';
export type { Transaction } from './transaction/transaction.js';
export type { TransactionState } from './transaction/transaction-state.js';
