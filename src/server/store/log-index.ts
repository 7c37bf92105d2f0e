import { Fifo } from '../fifo.js';

/** Where the last change of a record stands. */
interface Place {
  readonly file: LogFileUse;
  /** Which line of the file: where its frame begins, and so many on, which no other line has, for each takes a byte. */
  readonly line: number;
  readonly bytes: number;
}

/** What the index knows of a file of the log. */
export interface LogFileUse {
  readonly number: number;
  bytes: number;
  /** Records whose last change stands here. */
  live: number;
}

/** The log may have so many bytes for each byte that counts. More need more disk, fewer are copied more often. */
const BYTES_A_LIVE_BYTE = 3;

/**
 * Where each record stands in the log. A record's last change counts. Files go in the order of their coming, oldest first,
 * when nothing in them counts any more, or when too much of the log is out of date; what still counts is then
 * appended again. In this order a deletion is never forgotten before the record that it deletes.
 */
export class LogIndex {
  readonly #places = new Map<string, Place>();
  readonly #files = new Fifo<LogFileUse>();
  readonly #staleBytes: number;
  #newest: LogFileUse | undefined;
  #bytes = 0;
  #liveBytes = 0;

  /** @param staleBytes so many bytes may be out of date, beside the share of those that count, before files are cleaned */
  constructor(staleBytes: number) {
    this.#staleBytes = staleBytes;
  }

  /** From now on changes stand in this file. */
  addFile(number: number): void {
    this.#newest = { number, bytes: 0, live: 0 };
    this.#files.push(this.#newest);
  }

  /** So many bytes more are in the newest file. */
  grow(bytes: number): void {
    this.#newest!.bytes += bytes;
    this.#bytes += bytes;
  }

  /** A line of the newest file puts this record. */
  put(key: string, line: number, bytes: number): void {
    const former = this.#places.get(key);
    if (former !== undefined) this.#vacate(former);
    this.#place(key, this.#newest!, line, bytes);
  }

  delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#vacate(place);
  }

  /**
   * A log that is there already, told from its end to its begin: a line puts this record.
   * @returns whether it is the last change of the record
   */
  found(key: string, file: LogFileUse, line: number, bytes: number): boolean {
    if (this.#places.has(key)) return false;
    this.#place(key, file, line, bytes);
    return true;
  }

  /** The files of a log that is there already, oldest first. */
  foundFiles(files: readonly LogFileUse[]): void {
    for (const file of files) {
      this.#newest = file;
      this.#files.push(file);
      this.#bytes += file.bytes;
    }
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  /** Whether the last change of this record is that line of a file. */
  standsAt(key: string, file: LogFileUse, line: number): boolean {
    const place = this.#places.get(key);
    return place !== undefined && place.file === file && place.line === line;
  }

  #place(key: string, file: LogFileUse, line: number, bytes: number): void {
    this.#places.set(key, { file, line, bytes });
    file.live += 1;
    this.#liveBytes += bytes;
  }

  #vacate({ file, bytes }: Place): void {
    file.live -= 1;
    this.#liveBytes -= bytes;
  }

  /** The oldest file that is still needed. */
  get oldest(): LogFileUse {
    return this.#files.first!;
  }

  /** The oldest file, if what counts in it should be appended again; files in which nothing counts are passed by. */
  fileToClean(): LogFileUse | undefined {
    while (this.oldest !== this.#newest && this.oldest.live === 0) {
      this.#bytes -= this.oldest.bytes;
      this.#files.shift();
    }
    if (this.oldest === this.#newest) return undefined;
    return this.#bytes > BYTES_A_LIVE_BYTE * this.#liveBytes + this.#staleBytes ? this.oldest : undefined;
  }
}
