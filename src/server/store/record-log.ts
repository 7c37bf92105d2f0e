import { Fifo } from '../fifo.js';
import { type Entry, encodeEntries, entryOf, keyOfEntry, recordOf, standsAlone } from './record-codec.js';
import type { StoreChange, StoreRecord } from './store.js';

/** Changes that were written together, as one value of the store. */
interface Segment {
  readonly kind: 'segment';
  readonly sequence: number;
  readonly entries: number;
  /** Records whose last change stands here. */
  live: number;
}

/** A record that is a value of its own. */
interface Alone {
  readonly kind: 'alone';
}

const ALONE: Alone = { kind: 'alone' };

/** So many entries, beside the live records' share, may be out of date before the oldest segments are cleaned. */
const STALE_ENTRIES = 100_000;
/** Entries for each live record, at most. More need more disk, fewer are copied more often. */
const ENTRIES_A_RECORD = 3;
/** A store that was written a change at a time has many small segments; past this number they are joined. */
const MOST_SEGMENTS = 10_000;
/** A write cleans in proportion to what it brings: this many entries more for each of its own, and a few anyway. */
const CLEANED_A_CHANGE = 2;
const CLEANED_ANYWAY = 64;
/** Entries of one segment: none is so large that cleaning it would be noticed. */
const ENTRIES_A_SEGMENT = 4_000;

/** What one write does to the values of the store; all of it or nothing. */
export interface LogWrite {
  readonly segments: readonly { readonly sequence: number; readonly payload: string }[];
  readonly dropped: readonly number[];
  readonly alone: readonly { readonly key: string; readonly record: StoreRecord }[];
  readonly removed: readonly string[];
}

/**
 * Where each record stands. Small records are not kept each under its own key but appended, all changes of a write
 * together, in segments: a tree of a database costs several microseconds for each key, and a transaction makes six
 * changes. A record's last change counts. Segments go in the order of their coming, oldest first, when nothing in them
 * counts any more or when too much is out of date; what still counts is then appended again. In this order a deletion
 * is never forgotten before the record that it deletes.
 *
 * Large records are values of their own, so that they are not copied again and again.
 */
export class RecordLog {
  readonly #places = new Map<string, Segment | Alone>();
  readonly #segments = new Fifo<Segment>();
  #nextSequence = 0;
  #entries = 0;
  #live = 0;

  /**
   * A segment that is there already; they come in their order.
   * @param records what is known so far, by key; brought up to date
   */
  addSegment(sequence: number, entries: readonly Entry[], records: Map<string, StoreRecord>): void {
    const segment: Segment = { kind: 'segment', sequence, entries: entries.length, live: 0 };
    this.#append(segment);
    for (const entry of entries) {
      const key = keyOfEntry(entry);
      // A value of its own is newer than what any segment says of the record.
      if (this.#places.get(key) === ALONE) continue;
      const record = recordOf(entry);
      if (record === undefined) {
        this.#forget(key);
        records.delete(key);
      } else {
        this.#place(key, segment);
        records.set(key, record);
      }
    }
  }

  /** A record that is there already as a value of its own. */
  addAlone(key: string): void {
    this.#place(key, ALONE);
  }

  /**
   * @param changes the last change of each key
   * @param read the entries of a segment
   */
  write(changes: ReadonlyMap<string, StoreChange>, read: (sequence: number) => readonly Entry[]): LogWrite {
    const entries: Entry[] = [];
    const moved: string[] = [];
    const alone: { key: string; record: StoreRecord }[] = [];
    const removed: string[] = [];
    for (const [key, change] of changes) {
      const wasAlone = this.#places.get(key) === ALONE;
      this.#forget(key);
      if (change.op === 'put' && standsAlone(change.record)) {
        alone.push({ key, record: change.record });
        this.#place(key, ALONE);
        continue;
      }
      if (wasAlone) removed.push(key);
      entries.push(change.op === 'put' ? entryOf(change.record) : ['-', key]);
      moved.push(change.op === 'put' ? key : '');
    }
    const dropped = this.#clean(CLEANED_A_CHANGE * changes.size + CLEANED_ANYWAY, read, entries, moved);
    return { segments: this.#cut(entries, moved), dropped, alone, removed };
  }

  /** Takes away the oldest segments; what still counts in them joins `entries`, its keys `moved`. */
  #clean(
    budget: number,
    read: (sequence: number) => readonly Entry[],
    entries: Entry[],
    moved: string[],
  ): number[] {
    const dropped: number[] = [];
    for (let cleaned = 0; cleaned < budget; ) {
      const oldest = this.#segments.first;
      if (oldest === undefined || (oldest.live > 0 && !this.#isTooLong)) break;
      if (oldest.live > 0) {
        for (const entry of read(oldest.sequence)) {
          const key = keyOfEntry(entry);
          if (entry[0] === '-' || this.#places.get(key) !== oldest) continue;
          this.#forget(key);
          entries.push(entry);
          moved.push(key);
        }
      }
      cleaned += oldest.entries;
      this.#segments.shift();
      this.#entries -= oldest.entries;
      dropped.push(oldest.sequence);
    }
    return dropped;
  }

  get #isTooLong(): boolean {
    return (
      this.#entries > ENTRIES_A_RECORD * this.#live + STALE_ENTRIES || this.#segments.size > MOST_SEGMENTS
    );
  }

  #cut(entries: readonly Entry[], keys: readonly string[]): LogWrite['segments'] {
    const segments: { sequence: number; payload: string }[] = [];
    for (let from = 0; from < entries.length; from += ENTRIES_A_SEGMENT) {
      const part = entries.slice(from, from + ENTRIES_A_SEGMENT);
      const sequence = this.#nextSequence;
      const segment: Segment = { kind: 'segment', sequence, entries: part.length, live: 0 };
      this.#append(segment);
      part.forEach((_, at) => {
        const key = keys[from + at]!;
        if (key !== '') this.#place(key, segment);
      });
      segments.push({ sequence, payload: encodeEntries(part) });
    }
    return segments;
  }

  #append(segment: Segment): void {
    this.#segments.push(segment);
    this.#entries += segment.entries;
    this.#nextSequence = segment.sequence + 1;
  }

  #place(key: string, place: Segment | Alone): void {
    this.#forget(key);
    this.#places.set(key, place);
    if (place.kind === 'alone') return;
    place.live += 1;
    this.#live += 1;
  }

  #forget(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    if (place.kind === 'alone') return;
    place.live -= 1;
    this.#live -= 1;
  }
}
