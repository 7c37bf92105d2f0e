import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { GlobalTxError } from '../../protocol/errors.js';
import { encodeFrame, type Frame, hasFrameBehind, readFrame } from './frame.js';
import { RECORD_FORMAT } from './record-codec.js';

/** What the first frame of a file says. */
export interface Head {
  readonly format: number;
  /** The oldest file that was needed when this one was made: those before it are on their way out. */
  readonly oldest: number;
  /** Where the file before this one ends: frames at its end would not be missed otherwise. */
  readonly formerEnd: number;
}

/** A file as it was found. */
export interface FoundFile {
  readonly number: number;
  readonly head: Head;
  readonly frames: readonly Frame[];
  /** Where the next frame goes. */
  readonly end: number;
}

const NAME = /^log-([0-9a-f]{16})$/;
/** Of a file that is being made. */
const UNFINISHED = /^log-[0-9a-f]{16}\.new$/;
/**
 * A file is made larger by so much at a time, with zeros, and then written over: a flush that has to make a new size of the
 * file durable, too, waits for the journal of the file system as well.
 */
const ALLOCATED_AT_ONCE = 2 ** 20;
/** For a flush that is as good as done. */
const LAST_LOOK_MS = 1_000;

function pathOf(directory: string, number: number): string {
  return join(directory, `log-${number.toString(16).padStart(16, '0')}`);
}

/** The numbers of the files that are there, in order. */
export function fileNumbers(directory: string): number[] {
  const found = readdirSync(directory).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  return found.map((digits) => Number.parseInt(digits, 16)).sort((one, other) => one - other);
}

/**
 * Reads a file and holds everything in it to its checksums. Behind the last frame there may be zeros, and what is left of
 * a write that was never finished, and so never acknowledged.
 * @param isLast whether it is the newest one, which alone may end so
 * @throws GlobalTxError STORE_CORRUPT, STORE_FORMAT
 */
export function readLogFile(directory: string, number: number, isLast: boolean): FoundFile {
  const { path, bytes, head, begin } = openLogFile(directory, number);
  const frames: Frame[] = [];
  let end = begin;
  for (let next = readFrame(number, bytes, end); next !== undefined; next = readFrame(number, bytes, end)) {
    frames.push(next);
    end = next.end;
  }
  // Padding may be cut off: the next frame begins behind it all the same.
  const isWhole = end >= bytes.length;
  if (!isWhole && (!isLast || hasFrameBehind(number, bytes, end))) {
    throw corrupt(path, end, 'its checksum is not that of its bytes');
  }
  return { number, head, frames, end };
}

/**
 * The bytes of a file, and where the first frame behind its head begins.
 * @throws GlobalTxError STORE_CORRUPT, STORE_FORMAT
 */
export function openLogFile(
  directory: string,
  number: number,
): { readonly path: string; readonly bytes: Buffer; readonly head: Head; readonly begin: number } {
  const path = pathOf(directory, number);
  const bytes = readFileSync(path);
  const first = readFrame(number, bytes, 0);
  if (first === undefined) throw corrupt(path, 0, 'it does not begin as a file of the store does');
  const head = JSON.parse(first.payload.toString()) as Head;
  requireKnown(head.format);
  return { path, bytes, head, begin: first.end };
}

function requireKnown(format: number): void {
  if (format <= RECORD_FORMAT) return;
  throw new GlobalTxError(
    'STORE_FORMAT',
    `The store has format ${format}; this globaltx-server knows formats up to ${RECORD_FORMAT}. ` +
      'Start the version that has written it, or a newer one.',
    { details: { format: String(format), known: String(RECORD_FORMAT) } },
  );
}

/** The file at the end of the log, which frames are appended to. */
export class LogFile {
  readonly number: number;
  readonly #descriptor: number;
  readonly #mostAllocated: number;
  #size: number;
  #allocated: number;

  private constructor(number: number, descriptor: number, size: number, mostAllocated: number) {
    this.number = number;
    this.#descriptor = descriptor;
    this.#mostAllocated = mostAllocated;
    this.#size = size;
    this.#allocated = size;
  }

  /**
   * Makes the next file; it is durable, and whole, from the moment that its name is there.
   * @param mostAllocated up to so many bytes the file is made larger before they are needed; it has as many at least when
   * the next one is made
   */
  static create(
    directory: string,
    number: number,
    facts: Omit<Head, 'format'>,
    mostAllocated: number,
  ): LogFile {
    const path = pathOf(directory, number);
    const descriptor = openSync(`${path}.new`, 'w', 0o600);
    const file = new LogFile(number, descriptor, 0, mostAllocated);
    file.append([Buffer.from(JSON.stringify({ format: RECORD_FORMAT, ...facts } satisfies Head))]);
    fdatasyncSync(descriptor);
    renameSync(`${path}.new`, path);
    syncDirectory(directory);
    return file;
  }

  /**
   * Takes up the newest file where it ends. Neither its last frame nor its name need have been on the disk when they were
   * found. The frame is written again: when a flush has failed, the kernel takes its pages for clean, and the next flush
   * would call durable what it does not write.
   */
  static reopen(directory: string, { number, frames, end }: FoundFile, mostAllocated: number): LogFile {
    const descriptor = openSync(pathOf(directory, number), 'r+');
    ftruncateSync(descriptor, end);
    const last = frames.at(-1);
    const file = new LogFile(number, descriptor, last === undefined ? end : last.at, mostAllocated);
    if (last !== undefined) file.append([last.payload]);
    fsyncSync(descriptor);
    syncDirectory(directory);
    return file;
  }

  /** Where the next frame goes. */
  get size(): number {
    return this.#size;
  }

  append(parts: readonly Buffer[]): void {
    const frame = encodeFrame(this.number, this.#size, parts);
    this.#write(frame);
    this.#size += frame.length;
    if (this.#size > this.#allocated) this.#allocate();
  }

  #allocate(): void {
    const whole = Math.ceil(this.#size / ALLOCATED_AT_ONCE) * ALLOCATED_AT_ONCE;
    this.#allocated = Math.max(this.#size, Math.min(whole, this.#mostAllocated));
    this.#write(Buffer.alloc(this.#allocated - this.#size));
  }

  #write(bytes: Buffer): void {
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.#descriptor, bytes, written, bytes.length - written, this.#size + written);
    }
  }

  /**
   * Resolves once all that was appended is on the disk; rejects when that takes longer than `limitMs`, and `LAST_LOOK_MS`
   * more: a process that was stopped meanwhile (SIGSTOP) hears that its time is over before it hears of the flush.
   */
  flush(limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const stalled = () => reject(new Error(`no write was finished within ${limitMs} ms`));
      let timer = setTimeout(() => {
        timer = setTimeout(stalled, LAST_LOOK_MS);
      }, limitMs);
      fdatasync(this.#descriptor, (error) => {
        clearTimeout(timer);
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Takes away files that are needed no more, and what is left of one that was never finished. */
export function removeFiles(directory: string, numbers: readonly number[]): void {
  for (const number of numbers) rmSync(pathOf(directory, number), { force: true });
  for (const name of readdirSync(directory)) if (UNFINISHED.test(name)) rmSync(join(directory, name));
}

/** Makes the names in a directory durable. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** @throws GlobalTxError STORE_CORRUPT when the file before `file` does not end where it did. */
export function requireFormerEnd(directory: string, file: FoundFile, end: number): void {
  if (file.head.formerEnd === end) return;
  throw corrupt(pathOf(directory, file.number - 1), end, `it should end at byte ${file.head.formerEnd}`);
}

export function corrupt(path: string, at: number, what: string): GlobalTxError {
  return new GlobalTxError(
    'STORE_CORRUPT',
    `The store is damaged: ${path}, at byte ${at}: ${what}. Keep the directory as it is, and see ` +
      '"The store" in docs/operations.md: an older copy would let committed transactions roll back.',
    { details: { file: path, position: String(at) } },
  );
}
