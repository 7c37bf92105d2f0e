import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeEntries, type Entry, keyText, seal } from '../../../src/server/store/record-codec.js';
import { RecordLog } from '../../../src/server/store/record-log.js';
import type { StoreChange, StoreRecord } from '../../../src/server/store/store.js';
import { branch, fact, transaction } from './records.js';

/** What a record log asks to be written, kept as a store keeps it. */
class Values {
  readonly segments = new Map<number, string>();
  readonly alone = new Map<string, StoreRecord>();
  readonly expected = new Map<string, StoreRecord>();
  log = new RecordLog();

  entries(sequence: number): readonly Entry[] {
    const key = Buffer.from('s');
    return decodeEntries(key, seal(key, this.segments.get(sequence)!));
  }

  write(changes: readonly StoreChange[]): void {
    const last = new Map<string, StoreChange>();
    for (const change of changes) {
      const key = keyText(change.op === 'put' ? change.record : change.key);
      last.set(key, change);
      if (change.op === 'put') this.expected.set(key, change.record);
      else this.expected.delete(key);
    }
    const { segments, dropped, alone, removed } = this.log.write(last, (sequence) => this.entries(sequence));
    for (const sequence of dropped) assert.ok(this.segments.delete(sequence));
    for (const key of removed) assert.ok(this.alone.delete(key));
    for (const { key, record } of alone) this.alone.set(key, record);
    for (const { sequence, payload } of segments) this.segments.set(sequence, payload);
  }

  /** Reads everything anew, as after a restart; values that stand alone come before the segments, or behind them. */
  reopen(aloneFirst: boolean): void {
    const records = new Map<string, StoreRecord>();
    this.log = new RecordLog();
    const readAlone = () => {
      for (const [key, record] of this.alone) {
        this.log.addAlone(key);
        records.set(key, record);
      }
    };
    if (aloneFirst) readAlone();
    for (const sequence of [...this.segments.keys()].sort((a, b) => a - b)) {
      this.log.addSegment(sequence, this.entries(sequence), records);
    }
    if (!aloneFirst) readAlone();
    const byKey = (map: ReadonlyMap<string, StoreRecord>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(byKey(records), byKey(this.expected));
  }
}

const KEYS = Array.from({ length: 20 }, (_, n) => `k${n}`);
const large = { locks: [{ resourceId: 'r', table: 't', mode: 'SHARED', keys: KEYS }] } as const;

const name = fc.constantFrom('a', 'b', 'c');
const change: fc.Arbitrary<StoreChange> = fc
  .record({ xid: name, branchId: fc.constantFrom('1', '2'), what: fc.nat(6), n: fc.nat(99) })
  .map(({ xid, branchId, what, n }): StoreChange => {
    const key = { type: 'branch', xid, branchId } as const;
    const changes: readonly StoreChange[] = [
      { op: 'put', record: transaction(xid, { timeoutMs: n }) },
      { op: 'put', record: branch(xid, branchId, { registeredAt: n }) },
      { op: 'put', record: branch(xid, branchId, { registeredAt: n, ...large }) },
      { op: 'put', record: fact(xid, String(n)) },
      { op: 'delete', key: { type: 'transaction', xid } },
      { op: 'delete', key },
      { op: 'delete', key },
    ];
    return changes[what]!;
  });

describe('A log of records', () => {
  it('gives back the last of each record, whatever was written, in whatever portions, over any restarts', () => {
    const step = fc.record({ changes: fc.array(change, { maxLength: 6 }), reopens: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const values = new Values();
        for (const { changes, reopens } of steps) {
          values.write(changes);
          if (reopens < 2) values.reopen(reopens === 0);
        }
        values.reopen(true);
      }),
      { numRuns: 300 },
    );
  });

  it('drops what is out of date and keeps what is not, in the long run, a change at a time and thousands', () => {
    for (const [portion, writes] of [
      [2, 60_000],
      [3_000, 300],
    ] as const) {
      const values = new Values();
      values.write([
        { op: 'put', record: fact('kept', 'for ever') },
        { op: 'put', record: branch('kept', '1', large) },
      ]);
      let written = 0;
      let most = 0;
      for (let write = 0; write < writes; write++) {
        const changes: StoreChange[] = [];
        for (; changes.length < portion; written++) {
          changes.push({ op: 'put', record: transaction(`x${written}`) });
          if (written < 500) continue;
          changes.push({ op: 'delete', key: { type: 'transaction', xid: `x${written - 500}` } });
        }
        values.write(changes);
        most = Math.max(most, values.segments.size);
      }
      values.reopen(true);
      const entries = [...values.segments.keys()].reduce((sum, at) => sum + values.entries(at).length, 0);
      assert.ok(entries < 110_000, `${entries} entries`);
      assert.ok(most < 10_200, `${most} segments`);
    }
  }).timeout(60_000);
});
