import { credentials, type Deadline, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type {
  BranchPage,
  BranchSummary,
  HeldLock,
  ListTransactionsRequest,
  LockPage,
  Order,
  OrderAnswer,
  Summary,
  TransactionPage,
  TransactionSummary,
} from '../../protocol/admin.js';
import { Admin, DEFAULT_PORT, MAX_MESSAGE_BYTES } from '../../protocol/contract.js';
import { type ErrorCode, isErrorCode } from '../../protocol/error-codes.js';
import { GlobalTxError } from '../../protocol/errors.js';
import { parseAddresses } from '../connection/addresses.js';

/** How long one address may take to be reached, and one call to be answered, in milliseconds. */
const CONNECT_MS = 5_000;
const ANSWER_MS = 30_000;

type Stub = InstanceType<typeof Admin>;
type Filter = Omit<ListTransactionsRequest, 'limit' | 'pageToken'>;

const EVERYTHING: Filter = { status: '', application: '', resource: '', begunBeforeMs: '0', xid: '' };

/** Speaks with the coordinator's Admin service. */
export class AdminClient {
  readonly #stub: Stub;

  private constructor(stub: Stub) {
    this.#stub = stub;
  }

  /**
   * Connects to the first of the addresses that can be reached.
   * @param addresses as for GlobalTx.connect. Default: GLOBALTX_COORDINATOR, then localhost
   * @throws GlobalTxError COORDINATOR_UNAVAILABLE, INVALID_OPTION
   */
  static async connect(addresses: string | undefined): Promise<AdminClient> {
    const text = addresses ?? (process.env.GLOBALTX_COORDINATOR || `localhost:${DEFAULT_PORT}`);
    for (const address of parseAddresses(text)) {
      const stub = new Admin(address, credentials.createInsecure(), {
        'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
        'grpc.use_local_subchannel_pool': 1,
      });
      if (await isReady(stub, Date.now() + CONNECT_MS)) return new AdminClient(stub);
      stub.close();
    }
    throw new GlobalTxError(
      'COORDINATOR_UNAVAILABLE',
      `no coordinator can be reached at ${text}; say where it is with --coordinator HOST:PORT or GLOBALTX_COORDINATOR`,
    );
  }

  close(): void {
    this.#stub.close();
  }

  summary(): Promise<Summary> {
    return this.#call('GetSummary', {});
  }

  /** Oldest first. */
  async *transactions(filter: Partial<Filter>, pageSize: number): AsyncGenerator<TransactionSummary> {
    const request = { ...EVERYTHING, ...filter, limit: pageSize };
    let pageToken = '';
    do {
      const page: TransactionPage = await this.#call('ListTransactions', { ...request, pageToken });
      yield* page.transactions;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  /** One that has not ended, or is remembered. @throws GlobalTxError TRANSACTION_NOT_FOUND */
  async transaction(xid: string): Promise<TransactionSummary> {
    for await (const transaction of this.transactions({ xid }, 1)) return transaction;
    throw new GlobalTxError(
      'TRANSACTION_NOT_FOUND',
      `the coordinator knows no transaction '${xid}' (any more)`,
      { xid },
    );
  }

  async *branches(xid: string): AsyncGenerator<BranchSummary> {
    let pageToken = '';
    do {
      const page: BranchPage = await this.#call('ListBranches', { xid, limit: 0, pageToken });
      yield* page.branches;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  async *locks(xid: string): AsyncGenerator<HeldLock> {
    let pageToken = '';
    do {
      const page: LockPage = await this.#call('ListLocks', { xid, limit: 0, pageToken });
      yield* page.locks;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  /** @throws GlobalTxError ORDER_REFUSED, TRANSACTION_NOT_FOUND, BRANCH_NOT_FOUND, STORE_FAILED */
  order(order: Order): Promise<OrderAnswer> {
    return this.#call('GiveOrder', order);
  }

  #call<Answer>(name: string, request: object): Promise<Answer> {
    const method = Admin.service[name]!;
    return new Promise((resolve, reject) => {
      this.#stub.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata(),
        { deadline: Date.now() + ANSWER_MS },
        (error: ServiceError | null, answer?: unknown) => {
          if (error === null) resolve(answer as Answer);
          else reject(asGlobalTxError(error));
        },
      );
    });
  }
}

function isReady(stub: Stub, deadline: Deadline): Promise<boolean> {
  return new Promise((resolve) => {
    stub.waitForReady(deadline, (error?: Error) => resolve(error === undefined));
  });
}

/** The coordinator writes 'CODE: message'. */
function asGlobalTxError(error: ServiceError): GlobalTxError {
  const [, code = '', message = ''] = /^([A-Z_]+): (.*)$/s.exec(error.details) ?? [];
  if (isErrorCode(code)) return new GlobalTxError(code, message, { cause: error });
  if (error.code === status.UNIMPLEMENTED) {
    const text = 'the coordinator is older than this command and knows no orders';
    return new GlobalTxError('PROTOCOL_MISMATCH', text, { cause: error });
  }
  const known: ErrorCode =
    error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED
      ? 'COORDINATOR_UNAVAILABLE'
      : 'INTERNAL';
  return new GlobalTxError(known, error.details, { cause: error });
}
