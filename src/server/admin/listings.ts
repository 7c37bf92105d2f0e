import { setImmediate as turn } from 'node:timers/promises';
import type { ListTransactionsRequest, Summary, TransactionPage } from '../../protocol/admin.js';
import {
  type CoordinatorState,
  countStatuses,
  oneTransaction,
  type StatusCounts,
  summary,
  transactionPage,
} from '../core/index.js';

type Transactions = ReturnType<CoordinatorState['transactions']['values']>;

/** Lists that are under way; of more, those that were used least lately start from the front again. */
const OPEN_LISTS = 32;

/**
 * Walks through all transactions, a little at a time. A page's token is the age of the last transaction that was
 * looked at, so it stays good whatever ends in between. The place in the map is kept with it: to find it again
 * from the front would cost more than the page.
 */
export class Listings {
  readonly #state: CoordinatorState;
  readonly #open = new Map<string, Transactions>();

  constructor(state: CoordinatorState) {
    this.#state = state;
  }

  page(request: ListTransactionsRequest): TransactionPage {
    const state = this.#state;
    if (request.xid !== '') {
      const found = oneTransaction(state, request.xid);
      return { transactions: found === undefined ? [] : [found], nextPageToken: '' };
    }
    const all = this.#open.get(request.pageToken) ?? state.transactions.values();
    this.#open.delete(request.pageToken);
    const after = request.pageToken === '' ? -1 : Number(request.pageToken);
    const { transactions, last } = transactionPage(state, all, request, after);
    if (last === undefined) return { transactions, nextPageToken: '' };
    const nextPageToken = String(last);
    this.#keep(nextPageToken, all);
    return { transactions, nextPageToken };
  }

  /** Counts by status, with pauses in which others are served. */
  async summary(): Promise<Summary> {
    const byStatus: StatusCounts = {};
    const all = this.#state.transactions.values();
    while (countStatuses(all, byStatus)) await turn();
    return summary(this.#state, byStatus);
  }

  #keep(token: string, all: Transactions): void {
    this.#open.set(token, all);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_LISTS && oldest !== undefined) this.#open.delete(oldest);
  }
}
