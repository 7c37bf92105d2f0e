import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { GlobalTxError } from '../../protocol/errors.js';
import { DirectoryLock } from './directory-lock.js';
import { requireSoundFile } from './lmdb-file.js';
import {
  corrupt,
  decodeEntries,
  decodeRecord,
  type Entry,
  encodeRecord,
  keyText,
  RECORD_FORMAT,
  seal,
  sealOf,
  segmentKey,
  segmentOf,
} from './record-codec.js';
import { RecordLog } from './record-log.js';
import type { Store, StoreChange, StoreRecord } from './store.js';
import {
  decodeHeader,
  EMPTY_HEADER,
  encodeHeader,
  HEADER_KEY,
  requireSame,
  type StoreHeader,
  withoutValue,
  withValue,
} from './store-header.js';

export interface LmdbStoreOptions {
  /** The directory; made if it is missing. */
  readonly directory: string;
  /** Read only: `write` is refused, nothing is changed, a missing store is an error. @default false */
  readonly readOnly?: boolean;
}

const FILE = 'store.mdb';
/** lmdb leaves a write unanswered when its transaction cannot even begin; a disk that hangs does the same. */
const STALLED_MS = 60_000;

/** The embedded store: one lmdb file in a directory that one process at a time may have. */
export class LmdbStore implements Store {
  readonly #database: RootDatabase<Buffer, Buffer>;
  /** Undefined in a store that is only read. */
  readonly #lock: DirectoryLock | undefined;
  #header: StoreHeader;
  /** Where each record stands; known once the store has been read. */
  #log: RecordLog | undefined;
  /** Of each value, by its key. */
  readonly #checksums = new Map<string, number>();
  /** The last write that was asked for; writes stand in line behind it. */
  #last: Promise<void> = Promise.resolve();
  #failure: GlobalTxError | undefined;

  private constructor(
    database: RootDatabase<Buffer, Buffer>,
    lock: DirectoryLock | undefined,
    header: StoreHeader,
  ) {
    this.#database = database;
    this.#lock = lock;
    this.#header = header;
  }

  /**
   * @throws GlobalTxError STORE_FAILED when the directory is in use or cannot be used, STORE_FORMAT when a
   * newer version has written it, STORE_CORRUPT when it is damaged.
   */
  static async open(options: LmdbStoreOptions): Promise<LmdbStore> {
    const { directory, readOnly = false } = options;
    if (readOnly) await DirectoryLock.requireFree(directory);
    else makeDirectory(directory);
    const lock = readOnly ? undefined : await DirectoryLock.acquire(directory);
    try {
      const database = openDatabase(directory, readOnly);
      const header = await readHeader(database, readOnly);
      return new LmdbStore(database, lock, header);
    } catch (error) {
      lock?.release();
      if (error instanceof GlobalTxError) throw error;
      throw isDamage(error) ? damaged(error) : failed(`${directory} cannot be opened`, error);
    }
  }

  async *load(): AsyncIterable<StoreRecord> {
    const records = this.#read();
    for (const record of records.values()) yield record;
  }

  write(changes: readonly StoreChange[]): Promise<void> {
    // Each write says where records stand after the one ahead of it, so it must not begin before that is committed.
    this.#last = this.#last.then(() => this.#commit(changes));
    // A failure is kept and given to every later write; this only keeps an unawaited one from ending the process.
    this.#last.catch(() => undefined);
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    await this.#database.close();
    this.#lock?.release();
  }

  async #commit(changes: readonly StoreChange[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      if (this.#lock === undefined) throw new Error('it is open for reading only');
      this.#lock.requireHeld();
      await this.#put(lastOfEachKey(changes));
    } catch (error) {
      this.#failure = failed('a write could not be made durable', await rootCause(error));
      throw this.#failure;
    }
  }

  /** Reads everything: the records, and where each of them stands. */
  #read(): ReadonlyMap<string, StoreRecord> {
    let found: StoreHeader = EMPTY_HEADER;
    const log = new RecordLog();
    const records = new Map<string, StoreRecord>();
    this.#checksums.clear();
    try {
      for (const { key, value } of this.#database.getRange({ snapshot: true })) {
        if (HEADER_KEY.equals(key)) continue;
        const name = key.toString();
        found = withValue(found, sealOf(value));
        this.#checksums.set(name, sealOf(value));
        const sequence = segmentOf(key);
        if (sequence === undefined) {
          records.set(name, decodeRecord(key, value));
          log.addAlone(name);
        } else {
          log.addSegment(sequence, decodeEntries(key, value), records);
        }
      }
    } catch (error) {
      throw error instanceof GlobalTxError ? error : damaged(error);
    }
    requireSame(found, this.#header);
    this.#log = log;
    return records;
  }

  async #put(changes: ReadonlyMap<string, StoreChange>): Promise<void> {
    const database = this.#database;
    if (this.#log === undefined) this.#read();
    const write = this.#log!.write(changes, (sequence) => this.#entriesOf(sequence));
    let header: StoreHeader = { ...this.#header, format: RECORD_FORMAT };
    const take = (name: string): void => {
      header = withoutValue(header, this.#checksums.get(name) ?? 0);
      this.#checksums.delete(name);
    };
    const put = (name: string, payload: string): void => {
      if (this.#checksums.has(name)) take(name);
      const key = Buffer.from(name);
      const value = seal(key, payload);
      header = withValue(header, sealOf(value));
      this.#checksums.set(name, sealOf(value));
      void database.put(key, value);
    };
    const remove = (name: string): void => {
      take(name);
      void database.remove(Buffer.from(name));
    };
    const committed = database.batch(() => {
      for (const sequence of write.dropped) remove(segmentKey(sequence));
      for (const key of write.removed) remove(key);
      for (const { key, record } of write.alone) put(key, encodeRecord(record));
      for (const { sequence, payload } of write.segments) put(segmentKey(sequence), payload);
      void database.put(HEADER_KEY, encodeHeader(header));
    });
    // Without overlappingSync lmdb commits only after the pages and then the root are on the disk, so that
    // the promise of the commit is the promise of the flush.
    if (!(await inTime(committed))) throw new Error('lmdb did not apply the batch');
    this.#header = header;
  }

  #entriesOf(sequence: number): readonly Entry[] {
    const key = Buffer.from(segmentKey(sequence));
    const value = this.#database.getBinary(key);
    if (value === undefined) throw corrupt(key, 'it is missing');
    return decodeEntries(key, value);
  }
}

function openDatabase(directory: string, readOnly: boolean): RootDatabase<Buffer, Buffer> {
  const path = join(directory, FILE);
  if (readOnly && !existsSync(path)) throw new Error('it holds no store');
  requireSoundFile(path);
  return open<Buffer, Buffer>({
    path,
    noSubdir: true,
    readOnly,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    maxDbs: 1,
  });
}

async function readHeader(database: RootDatabase<Buffer, Buffer>, readOnly: boolean): Promise<StoreHeader> {
  const value = database.getBinary(HEADER_KEY);
  if (value !== undefined) return decodeHeader(value);
  for (const _ of database.getKeys({ limit: 1 })) throw corrupt(HEADER_KEY, 'it is missing');
  if (!readOnly) await database.put(HEADER_KEY, encodeHeader(EMPTY_HEADER));
  return EMPTY_HEADER;
}

/** In one write only the last change of a key counts; the order of different keys is of no effect. */
function lastOfEachKey(changes: readonly StoreChange[]): Map<string, StoreChange> {
  const last = new Map<string, StoreChange>();
  for (const change of changes) last.set(keyText(change.op === 'put' ? change.record : change.key), change);
  return last;
}

async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no write was finished within ${STALLED_MS} ms`)), STALLED_MS);
  });
  try {
    return await Promise.race([work, stalled]);
  } finally {
    clearTimeout(timer);
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw failed(`the directory ${directory} cannot be made`, error);
  }
}

/** lmdb rejects a write with a general error that holds a promise of the particular one. */
async function rootCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    return await error.commitError;
  } catch (cause) {
    return cause;
  }
}

/** lmdb says of its own accord that a page makes no sense. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && /MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|BAD_)/.test(error.message);
}

function damaged(cause: unknown): GlobalTxError {
  return corrupt(Buffer.from('?'), `lmdb cannot read it: ${cause instanceof Error ? cause.message : cause}`);
}

function failed(what: string, cause: unknown): GlobalTxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GlobalTxError('STORE_FAILED', `The store has failed: ${what}: ${why}`, { cause });
}
