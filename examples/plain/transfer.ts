import type { GlobalTx } from 'globaltx';
import mysql, { type ResultSetHeader } from 'globaltx/mysql2/promise';

/** Money between two databases: both sides of a transfer are booked, or none. */
export interface Bank {
  /** @throws Error when the payer has not enough; nothing is booked then */
  transfer(from: number, to: number, amount: number): Promise<void>;
  close(): Promise<void>;
}

export function openBank(gtx: GlobalTx, northUrl: string, southUrl: string): Bank {
  const north = mysql.createPool(northUrl);
  const south = mysql.createPool(southUrl);
  return {
    transfer: gtx.transactional({ name: 'transfer' }, async (from: number, to: number, amount: number) => {
      await south.execute('UPDATE accounts SET balance = balance + ? WHERE id = ?', [amount, to]);
      const [{ affectedRows }] = await north.execute<ResultSetHeader>(
        'UPDATE accounts SET balance = balance - ? WHERE id = ? AND balance >= ?',
        [amount, from, amount],
      );
      // The south has its money already, committed: throwing takes it back.
      if (affectedRows === 0) throw new Error(`account ${from} has no ${amount}`);
    }),
    close: async () => {
      await Promise.all([north.end(), south.end()]);
    },
  };
}
