import mysql2 from 'mysql2';
import { GlobalTxError } from '../../protocol/errors.js';
import { type GlobalLock, type GlobalLockOptions, resolveGlobalLock } from '../transaction/global-lock.js';

/** Options of a pool or a connection beside mysql2's own. */
export interface OwnOptions {
  /**
   * Whether every local transaction respects the locks of global ones, as in `globalLock(fn)`: for code that was
   * never taught about global transactions. @default false
   */
  readonly globalLock?: boolean | GlobalLockOptions;
  /**
   * Tables ('orders' of the own database, 'shop.orders') whose triggers are known to write nothing but the row
   * itself, and not its key: those of other tables are refused (TABLE_UNSUPPORTED). A rollback fires them again; a row that they do not
   * let go back to what it was needs a person (COMPENSATION_REFUSED). @default none
   */
  readonly allowTriggers?: readonly string[];
  /**
   * What the images of the rows that one local transaction changes may take, before and after together, in bytes. A
   * statement that needs more fails (UNDO_RECORD_TOO_LARGE), and nothing of its local transaction is kept. The process
   * needs up to five times as much memory, for each local transaction that runs at once. @default 256 MiB
   */
  readonly undoLimit?: number;
}

type Options = Readonly<Record<string, unknown>>;

/** The options of ours, read. */
export interface OwnSettings {
  readonly globalLock?: GlobalLock | undefined;
  readonly allowTriggers?: readonly string[];
  readonly undoLimit?: number | undefined;
}

interface Split {
  /** What mysql2 understands. */
  readonly options: unknown;
  readonly own: OwnSettings;
}

const OWN = ['globalLock', 'allowTriggers', 'undoLimit'];
const IN_URI = /[?&](?:globalLock|undoLimit)=/;

const parseUri = (mysql2 as unknown as { ConnectionConfig: { parseUrl(uri: string): Options } })
  .ConnectionConfig.parseUrl;

/**
 * Takes our own options out: mysql2 warns of what it does not know.
 * @throws GlobalTxError INVALID_OPTION
 */
export function splitOptions(given: unknown): Split {
  const options = withParsedUri(given);
  if (typeof options !== 'object' || options === null || !OWN.some((name) => name in options)) {
    return { options, own: {} };
  }
  const { globalLock, allowTriggers, undoLimit, ...others } = options as Options;
  return {
    options: others,
    own: {
      globalLock: lockOf(globalLock),
      allowTriggers: tablesOf(allowTriggers),
      undoLimit: limitOf(undoLimit),
    },
  };
}

/** A URI is left to mysql2 unless it has an option of ours. */
function withParsedUri(given: unknown): unknown {
  if (typeof given === 'string') return IN_URI.test(given) ? parseUri(given) : given;
  const { uri, ...others } = (given ?? {}) as Options;
  return typeof uri === 'string' && IN_URI.test(uri) ? { ...parseUri(uri), ...others } : given;
}

function tablesOf(option: unknown): readonly string[] {
  if (option === undefined) return [];
  if (Array.isArray(option) && option.every((name) => typeof name === 'string')) return option;
  throw new GlobalTxError('INVALID_OPTION', "allowTriggers: an array of tables, 'table' or 'schema.table'");
}

function limitOf(option: unknown): number | undefined {
  if (option === undefined || (typeof option === 'number' && option > 0)) return option;
  throw new GlobalTxError('INVALID_OPTION', 'undoLimit: a number of bytes');
}

function lockOf(option: unknown): GlobalLock | undefined {
  if (option === undefined || option === false) return undefined;
  if (option === true) return resolveGlobalLock({});
  if (typeof option === 'object' && option !== null) return resolveGlobalLock(option);
  throw new GlobalTxError('INVALID_OPTION', 'globalLock: true, false, or an object with lockWait');
}
