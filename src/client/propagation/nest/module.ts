import type { ConnectOptions } from '../../connect-options.js';
import { GlobalTx } from '../../global-tx.js';
import type { NestOptions } from './guard.js';
import { GlobalTxInterceptor } from './interceptor.js';

type Token = string | typeof GlobalTx;

type Provider =
  | { readonly provide: Token; readonly useValue: unknown }
  | { provide: Token; inject: [typeof GlobalTx] | []; useFactory(gtx: GlobalTx): unknown };

/** What NestJS takes for a dynamic module; typed by structure. */
export interface GlobalTxDynamicModule {
  readonly module: new () => object;
  readonly global: true;
  readonly providers: Provider[];
  readonly exports: [typeof GlobalTx];
}

/** NestJS names a module by its class. */
class GlobalTxRoot {}

/** NestJS' own token for interceptors that hold everywhere. */
const APP_INTERCEPTOR = 'APP_INTERCEPTOR';

/**
 * NestJS module: connects this process, provides `GlobalTx` for injection, joins the transactions that calls name
 * (`GlobalTxInterceptor`, everywhere), and closes with `app.close()`; on SIGTERM only after `app.enableShutdownHooks()`.
 *
 * @throws GlobalTxError INVALID_OPTION; what `GlobalTx.connect` throws, when the application starts
 *
 * @example
 * @Module({ imports: [GlobalTxModule.forRoot({ coordinator: 'localhost:8091', application: 'stock' })] })
 * class AppModule {}
 */
export const GlobalTxModule = {
  forRoot(options: ConnectOptions & NestOptions = {}): GlobalTxDynamicModule {
    return {
      module: GlobalTxRoot,
      global: true,
      providers: [
        { provide: GlobalTx, inject: [], useFactory: () => GlobalTx.connect(options) },
        { provide: APP_INTERCEPTOR, useValue: new GlobalTxInterceptor(options) },
        {
          provide: 'globaltx:closing',
          inject: [GlobalTx],
          useFactory: (gtx) => ({ onApplicationShutdown: () => gtx.close() }),
        },
      ],
      exports: [GlobalTx],
    };
  },
};
