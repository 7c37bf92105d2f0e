export type { NestContext } from './context-xid.js';
export { GlobalTxGuard, type NestOptions } from './guard.js';
export { GlobalTxInterceptor } from './interceptor.js';
export { type GlobalTxAsyncOptions, type GlobalTxDynamicModule, GlobalTxModule } from './module.js';
