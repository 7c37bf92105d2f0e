import type { RawValue } from '../at/executor.js';
import { tooLarge, valueBytes } from '../at/undo/undo-limit.js';
import type { MakeCommand } from './connection-line.js';
import { Query, type QueryCommand } from './core.js';

/**
 * A statement of globaltx's own: rows come as the bytes that the server sent.
 * @param limit what its rows may take, in bytes: those of more are not kept, and the answer is UNDO_RECORD_TOO_LARGE
 */
export function ownStatement(sql: string, limit = Number.POSITIVE_INFINITY): MakeCommand {
  return (callback) => {
    let bytes = 0;
    const query: QueryCommand = new Query(
      {
        sql,
        rowsAsArray: true,
        nestTables: false,
        typeCast: (field: { buffer(): RawValue }) => {
          const value = field.buffer();
          bytes += valueBytes(value);
          if (bytes > limit) query._rows.at(-1)!.length = 0;
          return value;
        },
      },
      (error, ...result) => {
        if (error === null && bytes > limit) callback(tooLarge(limit));
        else callback(error, ...result);
      },
    );
    return query;
  };
}
