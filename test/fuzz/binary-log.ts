import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Lane } from './lane.js';
import { type RowChange, RowEvents } from './row-events.js';

/** What a server must be started with for its binary log to be read here. */
export const BINARY_LOG_ARGUMENTS: readonly string[] = [
  '--binlog-format=ROW',
  '--binlog-row-image=FULL',
  '--binlog-checksum=NONE',
  '--sync-binlog=0',
  '--max-binlog-size=1G',
];

const MAGIC_LENGTH = 4;

/** The end of a server's binary log: what has been written since the last look. */
export class BinaryLog {
  readonly #basename: string;
  readonly #events: RowEvents;
  #number: number;
  #offset: number;
  #file: FileHandle;

  private constructor(basename: string, number: number, offset: number, file: FileHandle, events: RowEvents) {
    this.#basename = basename;
    this.#number = number;
    this.#offset = offset;
    this.#file = file;
    this.#events = events;
  }

  /** @returns undefined when the server writes none, or it is not to be read from here */
  static async at(lane: Pick<Lane, 'ask'>, schemas: readonly string[]): Promise<BinaryLog | undefined> {
    const [facts] = await lane.ask(
      'SELECT @@log_bin, @@log_bin_basename, @@binlog_format, @@binlog_row_image, @@binlog_checksum',
    );
    const [on, basename, format, rowImage, checksum] = facts ?? [];
    if (Number(on) !== 1 || format !== 'ROW' || rowImage !== 'FULL' || checksum !== 'NONE') return undefined;
    const logs = await lane.ask('SHOW BINARY LOGS');
    const [name, size] = logs.at(-1) ?? [];
    const number = Number(/\d+$/.exec(String(name))?.[0]);
    const file = await open(pathOf(String(basename), number));
    const events = new RowEvents((schema) => schemas.includes(schema));
    return new BinaryLog(String(basename), number, Number(size), file, events);
  }

  /** The changes that were committed since the last look. */
  async changes(): Promise<readonly RowChange[]> {
    const found: RowChange[] = [];
    for (;;) {
      found.push(...(await this.#rest()));
      const next = pathOf(this.#basename, this.#number + 1);
      if (!(await exists(next))) return found;
      // What was written between the two looks, before the log went on to the next file.
      found.push(...(await this.#rest()));
      await this.#file.close();
      this.#number += 1;
      this.#offset = MAGIC_LENGTH;
      this.#file = await open(next);
    }
  }

  async #rest(): Promise<readonly RowChange[]> {
    const { size } = await this.#file.stat();
    if (size <= this.#offset) return [];
    const bytes = Buffer.alloc(size - this.#offset);
    await this.#file.read(bytes, 0, bytes.length, this.#offset);
    const { changes, length } = this.#events.read(bytes);
    this.#offset += length;
    return changes;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function pathOf(basename: string, number: number): string {
  return `${basename}.${String(number).padStart(6, '0')}`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * What all changes together come to: rows of a table that are there more or less often than before. Nothing, when
 * the changes undone one after the other, from the last to the first, would end at the rows that are there now.
 * @param nameOf what a table is called in the answer; undefined: its changes do not count
 */
export function netEffect(
  changes: readonly RowChange[],
  nameOf: (schema: string, table: string) => string | undefined,
): readonly string[] {
  const counts = new Map<string, number>();
  const count = (row: string, by: number) => counts.set(row, (counts.get(row) ?? 0) + by);
  for (const { schema, table, before, after } of changes) {
    const name = nameOf(schema, table);
    if (name === undefined) continue;
    if (before !== undefined) count(`${name}: ${before}`, -1);
    if (after !== undefined) count(`${name}: ${after}`, 1);
  }
  return [...counts]
    .filter(([, times]) => times !== 0)
    .map(([row, times]) => `${times > 0 ? '+' : ''}${times} ${row}`)
    .sort();
}
