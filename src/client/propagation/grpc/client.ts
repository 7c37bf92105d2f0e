import { InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js';
import { GlobalTxError } from '../../../protocol/errors.js';
import { currentTransaction } from '../../transaction/context.js';
import { XID_NAMES } from '../header.js';
import { xidOf } from './metadata.js';

/** What a caller of gRPC sees of an error that kept the call from being made. */
function failure(error: unknown): { code: status; details: string; metadata: Metadata } {
  const { code, message } =
    error instanceof GlobalTxError ? error : { code: 'INTERNAL', message: String(error) };
  const gone = code === 'COORDINATOR_UNAVAILABLE' || code === 'CLIENT_CLOSED';
  return {
    code: gone ? status.UNAVAILABLE : status.FAILED_PRECONDITION,
    details: `${code}: ${message}`,
    metadata: new Metadata(),
  };
}

/**
 * Client interceptor for @grpc/grpc-js: a call tells the called service the xid of the current global transaction, in
 * the metadata `tx_xid`. What makes that impossible ends the call: UNAVAILABLE when there is no
 * coordinator, FAILED_PRECONDITION when the transaction has ended.
 *
 * @example
 * const stock = new StockClient(address, credentials, { interceptors: [grpcClientGlobalTx()] });
 */
export function grpcClientGlobalTx(): Interceptor {
  return (options, nextCall) => {
    const transaction = currentTransaction();
    const call = nextCall(options);
    if (transaction === undefined) return new InterceptingCall(call);
    return new InterceptingCall(call, {
      start(metadata, listener, next) {
        if (xidOf(metadata) !== undefined) {
          next(metadata, listener);
          return;
        }
        transaction.ensureBegun().then(
          () => {
            for (const name of XID_NAMES) metadata.set(name, transaction.xid);
            next(metadata, listener);
          },
          (error: unknown) => listener.onReceiveStatus(failure(error)),
        );
      },
    });
  };
}
