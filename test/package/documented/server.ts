// A server of MySQL's protocol, and a client of it.
import { once } from 'node:events';
import type { AddressInfo, Server as NetServer } from 'node:net';
import mysql, { type Connection } from 'mysql2';

const server = mysql.createServer((connection: Connection) => {
  connection.serverHandshake({
    protocolVersion: 10,
    serverVersion: '5.7.0-node',
    connectionId: 1234,
    statusFlags: 2,
    characterSet: 8,
    capabilityFlags: 0xffffff,
  });
  connection.on('query', (sql: string) => {
    console.log('asked for', sql);
    connection.writeOk({ affectedRows: 3, insertId: 7 } as never);
  });
  connection.on('error', () => {});
});
server.listen(0);
const { _server: net } = server as unknown as { _server: NetServer };
await once(net, 'listening');

const client = mysql.createConnection({
  host: '127.0.0.1',
  port: (net.address() as AddressInfo).port,
  user: 'any',
});
client.query('UPDATE anything', (err, result) => {
  console.log(err, result);
  client.destroy();
  server.close(() => console.log('closed'));
});
