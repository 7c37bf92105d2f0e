import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GlobalTxError } from '../../protocol/errors.js';
import { DirectoryLock } from './directory-lock.js';
import { type Frame, readFrame } from './frame.js';
import {
  corrupt,
  type FoundFile,
  fileNumbers,
  type Head,
  LogFile,
  openLogFile,
  readLogFile,
  removeFiles,
  requireFormerEnd,
  syncDirectory,
} from './log-file.js';
import { type LogFileUse, LogIndex } from './log-index.js';
import { keyText, lineOf, linesOf, payloadOf, recordOf, textOf } from './record-codec.js';
import type { Store, StoreChange, StoreRecord } from './store.js';

export interface LogStoreOptions {
  /** The directory; made if it is missing. */
  readonly directory: string;
  /** Read only: `write` is refused, nothing is changed, a missing store is an error. @default false */
  readonly readOnly?: boolean;
  /** A file that has so many bytes is followed by the next one. @default 16 MiB */
  readonly fileBytes?: number;
  /** So much may be out of date, beside three times what counts, before files are cleaned. @default 16 MiB */
  readonly staleBytes?: number;
}

const FILE_BYTES = 16 * 2 ** 20;
const STALE_BYTES = 16 * 2 ** 20;
/** A write cleans in proportion to what it brings: so many bytes for each of its own, and a few anyway. */
const CLEANED_A_BYTE = 2;
const CLEANED_ANYWAY = 4_096;
/** Texts are put together up to about so many characters; what is larger is turned into bytes by itself. */
const TOGETHER = 2 ** 20;
/** A disk that hangs leaves a flush unanswered. */
const STALLED_MS = 60_000;
/** What versions before format 3 have written. */
const FORMER_FILE = 'store.mdb';

/** The oldest file, while what counts in it is appended again. */
interface Cleaning {
  readonly number: number;
  readonly bytes: Buffer;
  /** The next frame. */
  at: number;
}

/**
 * The embedded store: a log in a directory that one process at a time may have. A write is one frame, appended to the
 * newest file and flushed; where each record stands is kept in memory.
 */
export class LogStore implements Store {
  readonly #options: Required<LogStoreOptions>;
  /** Undefined in a store that is only read. */
  readonly #lock: DirectoryLock | undefined;
  readonly #index: LogIndex;
  /** What was found, until it is asked for. */
  #records: StoreRecord[] = [];
  #file: LogFile | undefined;
  #cleaning: Cleaning | undefined;
  /** The last write that was asked for; writes stand in line behind it. */
  #last: Promise<void> = Promise.resolve();
  #failure: GlobalTxError | undefined;

  private constructor(options: Required<LogStoreOptions>, lock: DirectoryLock | undefined) {
    this.#options = options;
    this.#lock = lock;
    this.#index = new LogIndex(options.staleBytes);
  }

  /**
   * Reads the whole store.
   * @throws GlobalTxError STORE_FAILED when the directory is in use or cannot be used, STORE_FORMAT when another
   * version has written it, STORE_CORRUPT when it is damaged.
   */
  static async open(options: LogStoreOptions): Promise<LogStore> {
    const whole = { readOnly: false, fileBytes: FILE_BYTES, staleBytes: STALE_BYTES, ...options };
    const { directory, readOnly } = whole;
    if (readOnly) await DirectoryLock.requireFree(directory);
    else makeDirectory(directory);
    const lock = readOnly ? undefined : await DirectoryLock.acquire(directory);
    try {
      const store = new LogStore(whole, lock);
      const newest = await store.#read();
      if (!readOnly) store.#takeUp(newest);
      return store;
    } catch (error) {
      lock?.release();
      throw error instanceof GlobalTxError ? error : failed(`${directory} cannot be opened`, error);
    }
  }

  async *load(): AsyncIterable<StoreRecord> {
    const records = this.#records;
    this.#records = [];
    yield* records;
  }

  write(changes: readonly StoreChange[]): Promise<void> {
    // Each write says where records stand after the one ahead of it, so it must not begin before that is durable.
    this.#last = this.#last.then(() => this.#commit(changes));
    // A failure is kept and given to every later write; this only keeps an unawaited one from ending the process.
    this.#last.catch(() => undefined);
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    this.#file?.close();
    this.#lock?.release();
  }

  /** @returns the newest file */
  async #read(): Promise<FoundFile | undefined> {
    const { directory, readOnly } = this.#options;
    if (existsSync(join(directory, FORMER_FILE))) throw formerFormat(directory);
    const numbers = fileNumbers(directory);
    const last = numbers.at(-1);
    if (last === undefined) {
      if (readOnly) throw new Error('it holds no store');
      return undefined;
    }
    const newest = readLogFile(directory, last, true);
    // From the end to the begin: what was changed later need not be looked at, and that is most of it.
    const files: LogFileUse[] = [];
    const deleted = new Set<string>();
    for (let number = last, next: FoundFile | undefined; number >= newest.head.oldest; number -= 1) {
      if (!numbers.includes(number)) throw corrupt(directory, 0, `its file ${number} is missing`);
      const file = number === last ? newest : readLogFile(directory, number, false);
      if (next !== undefined) requireFormerEnd(directory, next, file.end);
      next = file;
      const use = { number, bytes: file.end, live: 0 };
      files.unshift(use);
      this.#take(file, use, deleted);
      // The directory's lock is kept up between the files.
      await nextTurn();
    }
    this.#index.foundFiles(files);
    return newest;
  }

  #take({ frames }: FoundFile, file: LogFileUse, deleted: Set<string>): void {
    for (const { at, payload } of frames.toReversed()) {
      const lines = linesOf(payload);
      for (let index = lines.length - 1; index >= 0; index -= 1) {
        const line = lines[index]!;
        if (deleted.has(line.key)) continue;
        if (!line.isDeletion) {
          const isLast = this.#index.found(line.key, file, at + index, line.end - line.begin);
          if (isLast) this.#records.push(recordOf(payload, line));
        } else if (!this.#index.has(line.key)) {
          deleted.add(line.key);
        }
      }
    }
  }

  #takeUp(newest: FoundFile | undefined): void {
    const { directory, fileBytes } = this.#options;
    if (newest === undefined) {
      this.#addFile(0, { oldest: 0, formerEnd: 0 });
    } else {
      this.#file = LogFile.reopen(directory, newest, fileBytes);
      this.#removeBefore(newest.head.oldest);
    }
  }

  #addFile(number: number, facts: Omit<Head, 'format'>): void {
    const { directory, fileBytes } = this.#options;
    this.#file = LogFile.create(directory, number, facts, fileBytes);
    this.#index.addFile(number);
    this.#index.grow(this.#file.size);
  }

  #removeBefore(oldest: number): void {
    const { directory } = this.#options;
    const needless = fileNumbers(directory).filter((number) => number < oldest);
    removeFiles(directory, needless);
  }

  async #commit(changes: readonly StoreChange[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (changes.length === 0) return;
    try {
      if (this.#lock === undefined) throw new Error('it is open for reading only');
      this.#lock.requireHeld();
      this.#append(changes);
      await this.#file!.flush(STALLED_MS);
    } catch (error) {
      this.#failure = failed('a write could not be made durable', error);
      throw this.#failure;
    }
  }

  #append(changes: readonly StoreChange[]): void {
    this.#turnOver();
    const file = this.#file!;
    const begin = file.size;
    const lines: string[] = [];
    let bytes = 0;
    for (const change of changes) {
      const key = keyText(change.op === 'put' ? change.record : change.key);
      const line = lineOf(key, change);
      lines.push(line);
      bytes += line.length;
      if (change.op === 'put') this.#index.put(key, begin + lines.length - 1, line.length);
      else this.#index.delete(key);
    }
    this.#clean(CLEANED_A_BYTE * bytes + CLEANED_ANYWAY, begin, lines);
    file.append(partsOf(lines));
    this.#index.grow(file.size - begin);
  }

  /** Goes on to the next file when this one is full. Only when it is durable which are needed, the others go. */
  #turnOver(): void {
    const file = this.#file!;
    if (file.size < this.#options.fileBytes) return;
    const oldest = this.#index.oldest.number;
    this.#addFile(file.number + 1, { oldest, formerEnd: file.size });
    file.close();
    this.#removeBefore(oldest);
  }

  /** Appends again what still counts in the oldest file: it joins `lines`, whose frame begins there. */
  #clean(budget: number, begin: number, lines: string[]): void {
    const index = this.#index;
    for (let cleaned = 0; cleaned < budget; ) {
      const oldest = index.fileToClean();
      if (oldest === undefined) return;
      const cleaning = this.#cleaningOf(oldest.number);
      const { at, payload, end } = nextFrame(cleaning);
      cleaning.at = end;
      cleaned += end - at;
      linesOf(payload).forEach((line, index) => {
        if (!this.#index.standsAt(line.key, oldest, at + index)) return;
        this.#index.put(line.key, begin + lines.length, line.end - line.begin);
        lines.push(textOf(payload, line));
      });
    }
  }

  #cleaningOf(number: number): Cleaning {
    if (this.#cleaning?.number !== number) {
      const { bytes, begin } = openLogFile(this.#options.directory, number);
      this.#cleaning = { number, bytes, at: begin };
    }
    return this.#cleaning;
  }
}

function nextFrame({ number, bytes, at }: Cleaning): Frame {
  const frame = readFrame(number, bytes, at);
  if (frame === undefined) throw new Error(`the file ${number} of the log has changed since it was written`);
  return frame;
}

function partsOf(lines: readonly string[]): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  let length = 0;
  lines.forEach((line, at) => {
    length += line.length;
    if (length < TOGETHER && at + 1 < lines.length) return;
    parts.push(payloadOf(lines.slice(from, at + 1)));
    from = at + 1;
    length = 0;
  });
  return parts;
}

/** Its name is durable, too, and those of the directories above that were made for it. */
function makeDirectory(directory: string): void {
  try {
    const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    const known = dirname(resolve(first));
    for (let parent = dirname(resolve(directory)); ; parent = dirname(parent)) {
      syncDirectory(parent);
      if (parent === known) return;
    }
  } catch (error) {
    throw failed(`the directory ${directory} cannot be made`, error);
  }
}

function formerFormat(directory: string): GlobalTxError {
  return new GlobalTxError(
    'STORE_FORMAT',
    `${directory} holds a store of a format before 3 (${FORMER_FILE}), which this globaltx-server does not read. Let the ` +
      'version that has written it finish its transactions, then give this one an empty directory.',
    { details: { format: '2', known: '3' } },
  );
}

function failed(what: string, cause: unknown): GlobalTxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GlobalTxError('STORE_FAILED', `The store has failed: ${what}: ${why}`, { cause });
}
