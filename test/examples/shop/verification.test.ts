import assert from 'node:assert/strict';
import { type Connection, createConnection } from 'mysql2/promise';
import type { Told } from '../../../examples/shop/demo/customers.js';
import { createAccounts, createOrders, createStock, sku } from '../../../examples/shop/demo/schema.js';
import {
  type Databases,
  findWrongOrders,
  findWrongTotals,
  type Totals,
  totals,
  undoLogRows,
} from '../../../examples/shop/demo/verification.js';
import { undoLogDdl } from '../../../src/client/at/undo/ddl.js';
import { servers } from '../../support/servers.js';

const ORDER = { number: 'n1', userId: 1, sku: sku(0), qty: 2 };

describe('The demo', () => {
  let databases: Databases;
  let before: Totals;

  async function makeDatabase(create: (connection: Connection) => Promise<void>): Promise<Connection> {
    const [server] = await servers();
    const connection = await createConnection(server.options(await server.createDatabase('shop')));
    await create(connection);
    await connection.query(undoLogDdl());
    return connection;
  }

  async function placed(): Promise<void> {
    const { orders, stock, accounts } = databases;
    await orders.query(`INSERT INTO orders VALUES (1, 'n1', 1, '${ORDER.sku}', 2, 5, 'paid')`);
    await stock.query(`UPDATE stock SET qty = qty - 2 WHERE sku = '${ORDER.sku}'`);
    await stock.query(`INSERT INTO reservations VALUES ('n1', '${ORDER.sku}', 2)`);
    await accounts.query('UPDATE accounts SET balance = balance - 5 WHERE user_id = 1');
    await accounts.query("INSERT INTO charges VALUES (1, 'n1', 1, 5)");
  }

  /** How much the demo finds wrong, given what the caller of the one order was told. */
  async function found(result: Told['result']): Promise<number> {
    const wrong = await findWrongOrders(databases, [{ order: ORDER, result, reason: '' }]);
    return wrong.length + findWrongTotals(before, await totals(databases)).length;
  }

  beforeEach(async () => {
    databases = {
      orders: await makeDatabase(createOrders),
      stock: await makeDatabase((connection) => createStock(connection, 100)),
      accounts: await makeDatabase((connection) => createAccounts(connection, 100)),
    };
    before = await totals(databases);
  });

  afterEach(async () => {
    for (const connection of [databases.orders, databases.stock, databases.accounts]) await connection.end();
  });

  it('finds nothing wrong with an order that is there in full, or that has left no trace', async () => {
    assert.equal(await found('rolledBack'), 0);
    assert.equal(await found('unknown'), 0);
    await placed();
    assert.equal(await found('committed'), 0);
    assert.equal(await found('unknown'), 0);
  });

  it('finds an order that is lost, or there although the caller was told that it is not', async () => {
    assert.notEqual(await found('committed'), 0);
    await placed();
    assert.notEqual(await found('rolledBack'), 0);
  });

  for (const [what, database, statement] of [
    ['a lost charge', 'accounts', 'DELETE FROM charges'],
    ['a wrong charge', 'accounts', 'UPDATE charges SET amount = amount + 0.01'],
    ['a cent too much', 'accounts', 'UPDATE accounts SET balance = balance + 0.01 WHERE user_id = 7'],
    ['a lost reservation', 'stock', 'DELETE FROM reservations'],
    ['a lost piece', 'stock', `UPDATE stock SET qty = qty - 1 WHERE sku = '${ORDER.sku}'`],
    ['an order that was never paid', 'orders', "UPDATE orders SET status = 'new'"],
    [
      'an order that nobody placed',
      'orders',
      "INSERT INTO orders (number, user_id, sku, qty) VALUES ('x', 1, 'a', 0)",
    ],
  ] as const) {
    it(`finds ${what}, whatever the caller was told`, async () => {
      await placed();
      await databases[database].query(statement);
      for (const result of ['committed', 'rolledBack', 'unknown'] as const) {
        assert.notEqual(await found(result), 0, result);
      }
    });
  }

  it('counts undo log rows that wait for phase two apart from defence records', async () => {
    assert.deepEqual(await undoLogRows(databases), { pending: 0, defence: 0 });
    const row = (id: number, status: number) => `(${id}, 'x', '', '', ${status}, NOW(), NOW())`;
    await databases.orders.query(`INSERT INTO undo_log VALUES ${row(1, 0)}, ${row(2, 1)}`);
    await databases.accounts.query(`INSERT INTO undo_log VALUES ${row(3, 0)}`);
    assert.deepEqual(await undoLogRows(databases), { pending: 2, defence: 1 });
  });
});
