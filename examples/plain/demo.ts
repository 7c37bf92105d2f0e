import { GlobalTx } from 'globaltx';
import type { RowDataPacket } from 'mysql2/promise';
import { perform } from '../stage/perform.js';
import { Stage, type StageDatabase } from '../stage/stage.js';
import { openBank } from './transfer.js';

const ACCOUNTS = [
  'CREATE TABLE accounts (id INT PRIMARY KEY, balance INT NOT NULL) ENGINE=InnoDB',
  'INSERT INTO accounts VALUES (1, 100), (2, 100), (3, 100)',
];

async function balances({ connection }: StageDatabase): Promise<string> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT balance FROM accounts ORDER BY id');
  return rows.map((row) => row.balance).join(' ');
}

await perform(Stage.open(), async (stage) => {
  const north = await stage.database(0, 'north', ACCOUNTS);
  const south = await stage.database(1, 'south', ACCOUNTS);
  const gtx = await GlobalTx.connect({ coordinator: stage.coordinator.address, application: 'bank' });
  const bank = openBank(gtx, north.url, south.url);
  console.log(`Two databases on ${stage.serverName}, and no service but this process.`);

  let right = true;
  async function show(what: string, expected: string): Promise<void> {
    const found = `north ${await balances(north)}, south ${await balances(south)}`;
    right &&= found === expected;
    console.log(`  ${what}: ${found}${found === expected ? '' : `  WRONG: not ${expected}`}`);
  }

  await show('before', 'north 100 100 100, south 100 100 100');
  await bank.transfer(1, 2, 30);
  await show('30 transferred from 1 to 2', 'north 70 100 100, south 100 130 100');
  const refused = await bank.transfer(1, 2, 80).catch((error: Error) => error.message);
  await show(`80 refused, because ${refused}`, 'north 70 100 100, south 100 130 100');
  await Promise.all([1, 2, 3].map((id) => bank.transfer(id, id, 10)));
  await show('10 from each at once', 'north 60 90 90, south 110 140 110');
  await bank.close();
  await gtx.close();
  console.log(right ? 'All or nothing, every time.' : 'SOMETHING IS WRONG: see above.');
  return right ? 0 : 1;
});
