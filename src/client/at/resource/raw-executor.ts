import type { Connection, ResultSetHeader } from 'mysql2';
import type { RawResult, RawValue, ResultField, SqlExecutor } from '../executor.js';

/** What of a mysql2 connection (callback API) an executor uses. */
export type CoreConnection = Pick<Connection, 'query'>;

/** mysql2's column definitions have these, whatever its typings make optional. */
function resultField(field: ResultField): ResultField {
  const { name, columnType, columnLength, characterSet, flags, decimals } = field;
  return { name, columnType, columnLength, characterSet, flags, decimals };
}

/** Of a text of several statements, which return no rows. */
function isOfSeveral(result: unknown): result is readonly ResultSetHeader[] {
  return Array.isArray(result) && result.length > 0 && !Array.isArray(result[0]);
}

function sum(headers: readonly ResultSetHeader[]): Pick<RawResult, 'affectedRows' | 'warningStatus'> {
  const total = (name: 'affectedRows' | 'warningStatus') =>
    headers.reduce((all, header) => all + header[name], 0);
  return { affectedRows: total('affectedRows'), warningStatus: total('warningStatus') };
}

/**
 * Runs globaltx's own statements on a mysql2 connection: in the text protocol, rows as the bytes that the
 * server sent, whatever the connection's own options say.
 */
export function rawExecutor(connection: CoreConnection): SqlExecutor {
  return {
    query: (sql) =>
      new Promise<RawResult>((resolve, reject) => {
        connection.query(
          {
            sql,
            rowsAsArray: true,
            nestTables: false as never,
            // A function, not `false`: a function in the connection's options would win over `false`.
            typeCast: (field) => field.buffer(),
          },
          (error, result, fields) => {
            if (error) {
              reject(error);
            } else if (isOfSeveral(result)) {
              resolve({ fields: [], rows: [], ...sum(result) });
            } else if (Array.isArray(result)) {
              const rows = result as unknown as readonly (readonly RawValue[])[];
              const columns = (fields as unknown as readonly ResultField[]).map(resultField);
              resolve({ fields: columns, rows, affectedRows: 0, warningStatus: 0 });
            } else {
              const { affectedRows, warningStatus } = result as ResultSetHeader;
              resolve({ fields: [], rows: [], affectedRows, warningStatus });
            }
          },
        );
      }),
  };
}
