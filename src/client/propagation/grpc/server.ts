import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { GlobalTxError } from '../../../protocol/errors.js';
import { runInContext } from '../../transaction/context.js';
import type { JoinedTransaction } from '../../transaction/joined.js';
import { Admission, isRefusal, leaveQuietly } from '../admission.js';
import type { Trust } from '../trust.js';
import { xidOf } from './metadata.js';

/** Who calls, for a decision of trust. */
export interface GrpcCaller {
  readonly metadata: Metadata;
  /** 'address:port' as the server sees it. */
  readonly peer: string;
}

export interface GrpcServerOptions {
  /**
   * Whether this call may join the transaction that it names. An xid lets its bearer join a transaction.
   * @default every call
   */
  readonly trust?: Trust<GrpcCaller>;
}

function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function statusOf(error: unknown): { code: status; details: string } {
  if (!(error instanceof GlobalTxError)) return { code: status.INTERNAL, details: String(error) };
  const details = `${error.code}: ${error.message}`;
  if (!isRefusal(error)) return { code: status.ABORTED, details };
  switch (error.statusCode) {
    case 403:
      return { code: status.PERMISSION_DENIED, details };
    case 400:
      return { code: status.INVALID_ARGUMENT, details };
    default:
      return { code: status.UNAVAILABLE, details };
  }
}

/**
 * Server interceptor for @grpc/grpc-js: a call whose metadata carries `tx_xid` is handled inside that global
 * transaction, and its status is sent only once its writes are settled. Refused are an xid that is none
 * (INVALID_ARGUMENT) or comes from a caller who is not trusted (PERMISSION_DENIED), and every one while this process
 * has no coordinator (UNAVAILABLE). A handler that succeeds but leaves a local transaction open, or has marked the
 * transaction rollback-only, is answered for with ABORTED.
 *
 * @throws GlobalTxError INVALID_OPTION
 *
 * @example
 * const server = new Server({ interceptors: [grpcServerGlobalTx()] });
 */
export function grpcServerGlobalTx({ trust }: GrpcServerOptions = {}): ServerInterceptor {
  const admission = new Admission(trust);
  return (_method, call) => intercepted(admission, call);
}

function intercepted(
  admission: Admission<GrpcCaller>,
  call: ServerInterceptingCallInterface,
): ServerInterceptingCall {
  let joined: JoinedTransaction | undefined;
  const inside = (next: () => void): void => runInContext(joined?.transaction, next);
  return new ServerInterceptingCall(call, {
    start(next) {
      next({
        onReceiveMetadata(metadata, go) {
          const xid = xidOf(metadata);
          if (xid !== undefined) {
            const peer = call.getPeer();
            try {
              joined = admission.join(xid, { metadata, peer }, addressOf(peer));
            } catch (error) {
              // Without its metadata nothing of the call goes on to the handler.
              call.sendStatus(statusOf(error));
              return;
            }
          }
          inside(() => go(metadata));
        },
        onReceiveMessage(message, go) {
          inside(() => go(message));
        },
        onReceiveHalfClose(go) {
          inside(go);
        },
        onCancel() {
          if (joined !== undefined) void leaveQuietly(joined);
        },
      });
    },
    sendStatus(given, next) {
      if (joined === undefined) next(given);
      else if (given.code === undefined || given.code === status.OK) {
        joined.leave().then(
          () => next(given),
          (error: unknown) => next({ ...given, ...statusOf(error) }),
        );
      } else void leaveQuietly(joined).then(() => next(given));
    },
  });
}
