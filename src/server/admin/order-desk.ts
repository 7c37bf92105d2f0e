import { randomUUID } from 'node:crypto';
import type { Order, OrderAnswer } from '../../protocol/admin.js';
import { GlobalTxError } from '../../protocol/errors.js';
import { type CoordinatorState, type CoreEvent, judgeOrder } from '../core/index.js';
import type { AuditEntry, AuditLog } from './audit-log.js';

export interface OrderDeskParts {
  readonly state: CoordinatorState;
  submit(event: CoreEvent): void;
  /** Resolves once all that was submitted is durable. */
  durable(): Promise<void>;
  readonly audit: AuditLog;
}

function named({ kind, resolution }: Order): string {
  switch (kind) {
    case 'RETRY':
      return 'retry';
    case 'ROLL_BACK':
      return 'rollback';
    case 'RESOLVE':
      return `resolve ${resolution}`;
  }
}

function outcomeOf(event: CoreEvent): string {
  switch (event.type) {
    case 'retry':
      return 'phase two is tried again';
    case 'resolve':
      return `phase two goes on with ${event.resolution}`;
    case 'rollback':
      return 'the transaction is being rolled back';
    case 'frame':
    case 'disconnected':
    case 'tick':
    case 'closing':
      throw new GlobalTxError('INTERNAL', `${event.type} is no order`);
  }
}

/** Takes operators' orders: noted first, then carried out or refused, then noted again. */
export class OrderDesk {
  readonly #parts: OrderDeskParts;

  constructor(parts: OrderDeskParts) {
    this.#parts = parts;
  }

  /**
   * Resolves once the order has been carried out and that is durable; phase two may still be under way.
   * @throws GlobalTxError ORDER_REFUSED, TRANSACTION_NOT_FOUND, BRANCH_NOT_FOUND; STORE_FAILED when it cannot be
   * noted: it is then not carried out
   */
  async take(order: Order, peer: string): Promise<OrderAnswer> {
    const { state, submit, durable } = this.#parts;
    const id = randomUUID();
    await this.#note(id, order, peer, 'ordered', '');
    // From here to the submission nothing comes in between: what is judged is what the event meets.
    const judged = judgeOrder(state, order);
    if ('code' in judged) {
      await this.#note(id, order, peer, 'refused', `${judged.code}: ${judged.message}`);
      throw new GlobalTxError(judged.code, judged.message, { xid: order.xid });
    }
    submit(judged);
    await durable();
    const outcome = outcomeOf(judged);
    await this.#note(id, order, peer, 'carried out', outcome);
    return { outcome };
  }

  #note(id: string, order: Order, peer: string, event: AuditEntry['event'], outcome: string): Promise<void> {
    const { user, host, xid, branchId } = order;
    const time = new Date().toISOString();
    return this.#parts.audit.append({
      time,
      id,
      event,
      user,
      host,
      peer,
      order: named(order),
      xid,
      branchId,
      outcome,
    });
  }
}
