// Tracing channels of node:diagnostics_channel.
import { tracingChannel } from 'node:diagnostics_channel';
import mysql, { type ExecuteTraceContext, type QueryTraceContext } from 'mysql2/promise';

const queries = tracingChannel<unknown, QueryTraceContext>('mysql2:query');
queries.subscribe({
  start: (message) => console.log('start', message.query, message.database === 'test'),
  end: () => {},
  asyncStart: () => {},
  asyncEnd: (message) => console.log('asyncEnd', message.query),
  error: ({ error }) => console.log('error', (error as { code?: string }).code),
});
const executes = tracingChannel<unknown, ExecuteTraceContext>('mysql2:execute');
executes.subscribe({
  start: (message) => console.log('start', message.query, message.values),
  end: () => {},
  asyncStart: () => {},
  asyncEnd: () => console.log('asyncEnd'),
  error: () => {},
});

const connection = await mysql.createConnection({ host: 'localhost', user: 'root', database: 'test' });
await connection.query('SELECT COUNT(*) AS count FROM users');
await connection.execute('SELECT ? AS value', ['x']);
await connection.query('SELECT nothing').catch(() => {});
await connection.end();
