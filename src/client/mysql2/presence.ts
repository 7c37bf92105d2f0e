import type { Participant, Transaction } from '../transaction/transaction.js';
import type { LocalTransaction } from './local-transaction.js';

/** One connection's part in one global transaction. */
class ConnectionParticipant implements Participant {
  readonly description = 'a mysql2 connection';
  readonly #transaction: Transaction;
  readonly #local: LocalTransaction;
  readonly #inTurn: (task: () => Promise<void>) => Promise<void>;
  readonly #idle: (() => void)[] = [];
  pending = 0;
  leave: () => void = () => {};

  constructor(
    transaction: Transaction,
    local: LocalTransaction,
    inTurn: (task: () => Promise<void>) => Promise<void>,
  ) {
    this.#transaction = transaction;
    this.#local = local;
    this.#inTurn = inTurn;
  }

  get open(): boolean {
    return this.#local.transaction === this.#transaction && this.#local.writes;
  }

  settled(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  abandon(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#local.transaction === this.#transaction) {
        await this.#local.abandon('the global transaction has ended');
      }
    });
  }

  wake(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/**
 * Tells each global transaction that a connection works for it: from the first command asked for in its
 * context until nothing is under way and no local transaction of it is open.
 */
export class Presence {
  readonly #local: LocalTransaction;
  readonly #inTurn: (task: () => Promise<void>) => Promise<void>;
  readonly #participants = new Map<Transaction, ConnectionParticipant>();

  /** @param inTurn runs a task when the connection's earlier turns are over */
  constructor(local: LocalTransaction, inTurn: (task: () => Promise<void>) => Promise<void>) {
    this.#local = local;
    this.#inTurn = inTurn;
  }

  /** A command of the transaction is waiting or under way, until the function returned is called. */
  enter(transaction: Transaction): () => void {
    let participant = this.#participants.get(transaction);
    if (participant === undefined) {
      participant = new ConnectionParticipant(transaction, this.#local, this.#inTurn);
      participant.leave = transaction.addParticipant(participant);
      this.#participants.set(transaction, participant);
    }
    const entered = participant;
    entered.pending += 1;
    return () => {
      entered.pending -= 1;
      if (entered.pending === 0) entered.wake();
      this.update();
    };
  }

  /** Takes out the participants that have nothing under way and nothing open. */
  update(): void {
    for (const [transaction, participant] of this.#participants) {
      if (participant.pending > 0 || this.#local.transaction === transaction) continue;
      participant.leave();
      this.#participants.delete(transaction);
    }
  }
}
