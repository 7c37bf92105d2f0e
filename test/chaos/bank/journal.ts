import { openSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transfer } from './plan.js';

/** What the service that began a transfer was told. `lost`: it died before it was told. */
export type Told = 'committed' | 'rolledBack' | 'unknown' | 'lost';

export interface JournalEntry {
  readonly transfer: Transfer;
  readonly xid: string;
  told: Told;
  /** The code of the error, or its first words. */
  reason: string;
}

export interface Journal {
  readonly entries: readonly JournalEntry[];
  /** Totals that readers saw and that were wrong, as sentences. */
  readonly wrongReads: readonly string[];
  /** What became of readings of all balances: '' for those that were complete, else the code of the error. */
  readonly reads: readonly string[];
}

type Line =
  | readonly ['begun', Transfer, string]
  | readonly [Exclude<Told, 'lost'>, string, string]
  | readonly ['read', string]
  | readonly ['wrong read', string];

/** Written line by line with one system call each: what is in it survives kill -9 of the process. */
export class JournalWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** Reads what all services in all their lives have written. */
export async function readJournals(folder: string): Promise<Journal> {
  const entries = new Map<string, JournalEntry>();
  const wrongReads: string[] = [];
  const reads: string[] = [];
  for (const name of await readdir(folder)) {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n').filter(Boolean);
    for (const line of lines.map((text) => JSON.parse(text) as Line)) {
      if (line[0] === 'begun') {
        const [, transfer, xid] = line;
        entries.set(transfer.id, { transfer, xid, told: 'lost', reason: 'the service died' });
      } else if (line[0] === 'read') reads.push(line[1]);
      else if (line[0] === 'wrong read') wrongReads.push(line[1]);
      else {
        const [told, id, reason] = line;
        Object.assign(entries.get(id)!, { told, reason });
      }
    }
  }
  return { entries: [...entries.values()], wrongReads, reads };
}
