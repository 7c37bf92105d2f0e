import type { ConnectOptions } from '../../connect-options.js';
import { GlobalTx } from '../../global-tx.js';
import type { NestOptions } from './guard.js';
import { GlobalTxInterceptor } from './interceptor.js';

type Options = ConnectOptions & NestOptions;

/** What NestJS injects something by; typed by structure. */
type Token = string | symbol | typeof GlobalTx | (abstract new (...given: never[]) => unknown);

type Provider =
  | { readonly provide: Token; readonly useValue: unknown }
  | { provide: Token; inject: Token[]; useFactory(...injected: never[]): unknown };

/** What NestJS takes for a dynamic module; typed by structure. */
export interface GlobalTxDynamicModule<Import = never> {
  readonly module: new () => object;
  readonly global: true;
  readonly imports: Import[];
  readonly providers: Provider[];
  readonly exports: [typeof GlobalTx];
}

/** Options that come from other providers, as those of a factory provider of NestJS. */
export interface GlobalTxAsyncOptions<Injected extends unknown[], Import> {
  /** Modules whose providers are injected. */
  readonly imports?: readonly Import[];
  /** What `useFactory` is called with. */
  readonly inject?: readonly Token[];
  readonly useFactory: (...injected: Injected) => Options | Promise<Options>;
}

/** NestJS names a module by its class. */
class GlobalTxRoot {}

/** NestJS' own token for interceptors that hold everywhere. */
const APP_INTERCEPTOR = 'APP_INTERCEPTOR';

const OPTIONS = 'globaltx:options';

function moduleWith<Import>(options: Provider, imports: readonly Import[]): GlobalTxDynamicModule<Import> {
  return {
    module: GlobalTxRoot,
    global: true,
    imports: [...imports],
    providers: [
      options,
      {
        provide: GlobalTx,
        inject: [OPTIONS],
        useFactory: (given: Options) => GlobalTx.connect(given),
      },
      {
        provide: APP_INTERCEPTOR,
        inject: [OPTIONS],
        useFactory: (given: Options) => new GlobalTxInterceptor(given),
      },
      {
        provide: 'globaltx:closing',
        inject: [GlobalTx],
        useFactory: (gtx: GlobalTx) => ({ onApplicationShutdown: () => gtx.close() }),
      },
    ],
    exports: [GlobalTx],
  };
}

/**
 * NestJS module: connects this process, provides `GlobalTx` for injection, joins the transactions that calls name
 * (`GlobalTxInterceptor`, everywhere), and closes with `app.close()`; on SIGTERM only after `app.enableShutdownHooks()`.
 *
 * @throws GlobalTxError INVALID_OPTION and what `GlobalTx.connect` throws, when the application starts
 *
 * @example
 * @Module({ imports: [GlobalTxModule.forRoot({ coordinator: 'localhost:8091', application: 'stock' })] })
 * class AppModule {}
 *
 * @example
 * GlobalTxModule.forRootAsync({
 *   inject: [ConfigService],
 *   useFactory: (config: ConfigService) => ({ coordinator: config.getOrThrow('COORDINATOR') }),
 * });
 */
export const GlobalTxModule = {
  forRoot(options: Options = {}): GlobalTxDynamicModule {
    return moduleWith({ provide: OPTIONS, useValue: options }, []);
  },

  forRootAsync<Injected extends unknown[], Import = never>({
    imports = [],
    inject = [],
    useFactory,
  }: GlobalTxAsyncOptions<Injected, Import>): GlobalTxDynamicModule<Import> {
    const factory = (...injected: never[]) => useFactory(...(injected as unknown as Injected));
    return moduleWith({ provide: OPTIONS, inject: [...inject], useFactory: factory }, imports);
  },
};
