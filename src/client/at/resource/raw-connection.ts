import type { Socket } from 'node:net';
import { type ConnectionOptions, createConnection } from 'mysql2';
import type { RawResult, SqlExecutor } from '../executor.js';
import { rawExecutor } from './raw-executor.js';

/** One private session with the server. */
export interface RawSession {
  readonly executor: SqlExecutor;
  /** The connection is lost, or must not be used again. */
  readonly broken: boolean;
  /** While idle, the connection does not keep the process alive. */
  idle(idle: boolean): void;
  /** Takes leave of the server; for a session that is not in a transaction. */
  end(): void;
  /** Breaks it off; what the server has not committed is rolled back. */
  destroy(): void;
}

/** A statement that is not answered for so long (a half-open connection, say) ends its session. */
const STATEMENT_TIMEOUT_MS = 60_000;

class LostSession extends Error {
  readonly fatal = true;
  readonly code = 'PROTOCOL_CONNECTION_LOST';
}

/** The server's settings of a private session; the application's options say only how to get there. */
function privateOptions(options: ConnectionOptions): ConnectionOptions {
  return {
    ...options,
    charset: 'utf8mb4',
    multipleStatements: true,
    namedPlaceholders: false,
    enableKeepAlive: true,
    keepAliveInitialDelay: 10_000,
  };
}

/**
 * Opens a private connection.
 * @throws the error of mysql2 when the server cannot be reached or refuses
 */
export function openRawSession(options: ConnectionOptions): Promise<RawSession> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(privateOptions(options));
    let broken = false;
    // Without a listener an error that arrives while the connection idles would end the process. It is not
    // lost: the session is replaced, and whoever runs a statement gets the error of that statement.
    connection.on('error', () => {
      broken = true;
    });
    connection.on('end', () => {
      broken = true;
    });
    const stream = () => (connection as unknown as { readonly stream: Socket }).stream;
    const raw = rawExecutor(connection);
    const destroy = () => {
      broken = true;
      stream().destroy();
      connection.destroy();
    };
    const query = (sql: string): Promise<RawResult> =>
      new Promise((settle, fail) => {
        const timer = setTimeout(() => {
          destroy();
          fail(new LostSession(`The server did not answer within ${STATEMENT_TIMEOUT_MS} ms.`));
        }, STATEMENT_TIMEOUT_MS);
        raw
          .query(sql)
          .then(settle, fail)
          .finally(() => clearTimeout(timer));
      });
    connection.connect((error) => {
      if (error) {
        destroy();
        reject(error);
        return;
      }
      resolve({
        executor: { query },
        get broken() {
          return broken || stream().destroyed;
        },
        idle: (idle) => {
          if (idle) stream().unref();
          else stream().ref();
        },
        end: () => connection.end(),
        destroy,
      });
    });
  });
}
