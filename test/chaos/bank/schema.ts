import type { DatabaseServer } from '../../support/database-server.js';

/** What every account starts with. */
export const BALANCE = 1_000;

/**
 * Balances, and beside them in the same local transactions a ledger: each transfer can be accounted for by its
 * rows, and each balance must be what its ledger says.
 */
export async function makeBankDatabase(server: DatabaseServer, accounts: number): Promise<string> {
  const name = await server.createDatabase('bank');
  const rows = Array.from({ length: accounts }, (_, i) => `(${i + 1}, ${BALANCE})`);
  await server.execute(
    [
      'CREATE TABLE account (id INT PRIMARY KEY, balance BIGINT NOT NULL) ENGINE=InnoDB',
      'CREATE TABLE ledger (transfer VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, account INT NOT NULL, ' +
        'amount BIGINT NOT NULL, PRIMARY KEY (transfer, account)) ENGINE=InnoDB',
      `INSERT INTO account VALUES ${rows.join(', ')}`,
    ],
    name,
  );
  return name;
}
