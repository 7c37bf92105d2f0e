import {
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { ListOfTransactionRequest, ListTransactionsRequest, Order } from '../../protocol/admin.js';
import type { ErrorCode } from '../../protocol/error-codes.js';
import { GlobalTxError } from '../../protocol/errors.js';
import { isXid } from '../../protocol/xid.js';
import { branchPage, type CoordinatorState, lockPage } from '../core/index.js';
import { Listings } from './listings.js';
import type { OrderDesk } from './order-desk.js';

export interface AdminServiceParts {
  readonly state: CoordinatorState;
  readonly orders: OrderDesk;
  /** Resolves once everything that the state says is durable. */
  durable(): Promise<void>;
  /** An order, or a question, that failed for a reason that is not the operator's. */
  failed(error: unknown): void;
}

/** Texts that say who orders are for people: cut, not refused. */
const LONGEST_TEXT = 256;
const TOKEN = /^\d{0,19}$/;
const TIME = /^\d{1,15}$/;

type Call<Request> = ServerUnaryCall<Request, object>;

/** The calls of proto/globaltx/v1/admin.proto. */
export function adminService(parts: AdminServiceParts): UntypedServiceImplementation {
  const { state, orders, durable, failed } = parts;
  const listings = new Listings(state);

  function unary<Request>(answer: (request: Request, peer: string) => object | Promise<object>) {
    return (call: Call<Request>, callback: sendUnaryData<object>) => {
      Promise.resolve()
        .then(() => answer(call.request, call.getPeer()))
        .then(
          (message) => callback(null, message),
          (error: unknown) => {
            if (!(error instanceof GlobalTxError) || statusOf(error.code) === status.INTERNAL) failed(error);
            callback(toStatus(error));
          },
        );
    };
  }

  /** What is read now is told once it is on the disk. */
  function reading<Request>(read: (request: Request) => object | Promise<object>) {
    return unary<Request>(async (request) => {
      const found = await read(request);
      await durable();
      return found;
    });
  }

  return {
    getSummary: reading(() => listings.summary()),
    listTransactions: reading((request: ListTransactionsRequest) => {
      requirePage(request.pageToken);
      if (!TIME.test(request.begunBeforeMs)) throw invalid('begun_before_ms', request.begunBeforeMs);
      return listings.page(request);
    }),
    listBranches: reading((request: ListOfTransactionRequest) => {
      requirePage(request.pageToken);
      return branchPage(state, request);
    }),
    listLocks: reading((request: ListOfTransactionRequest) => {
      requirePage(request.pageToken);
      return lockPage(state, request);
    }),
    giveOrder: unary((request: Order, peer) => {
      if (!isXid(request.xid)) throw invalid('xid', request.xid);
      if (!TOKEN.test(request.branchId)) throw invalid('branch_id', request.branchId);
      const user = request.user.slice(0, LONGEST_TEXT);
      const host = request.host.slice(0, LONGEST_TEXT);
      return orders.take({ ...request, user, host }, peer);
    }),
  };
}

function invalid(field: string, value: string): GlobalTxError {
  return new GlobalTxError(
    'MALFORMED_FRAME',
    `${field}: '${value.slice(0, LONGEST_TEXT)}' is not allowed there`,
  );
}

function requirePage(token: string): void {
  if (!TOKEN.test(token)) throw invalid('page_token', token);
}

function toStatus(error: unknown): { readonly code: status; readonly details: string } {
  if (!(error instanceof GlobalTxError))
    return { code: status.INTERNAL, details: `INTERNAL: ${String(error)}` };
  return { code: statusOf(error.code), details: `${error.code}: ${error.message}` };
}

function statusOf(code: ErrorCode): status {
  if (code === 'TRANSACTION_NOT_FOUND' || code === 'BRANCH_NOT_FOUND') return status.NOT_FOUND;
  if (code === 'ORDER_REFUSED') return status.FAILED_PRECONDITION;
  return code === 'MALFORMED_FRAME' ? status.INVALID_ARGUMENT : status.INTERNAL;
}
