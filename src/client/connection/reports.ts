import type { ReportBranch } from '../../protocol/frames.js';

/**
 * A transaction that has not ended within this time has been rolled back by its time-out, or its report is
 * worth no memory: without it the coordinator turns the commit into a rollback, which is safe.
 */
const KEEP_MS = 60 * 60 * 1_000;
const KEEP_AT_MOST = 100_000;

interface Kept {
  readonly report: ReportBranch;
  readonly since: number;
}

/**
 * Phase-one reports of transactions whose end this process has not seen. The coordinator doesn't store them,
 * so that they are repeated on each new stream: it may be another life of the coordinator.
 */
export class Reports {
  readonly #byXid = new Map<string, Map<string, Kept>>();
  readonly #now: () => number;
  #size = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get size(): number {
    return this.#size;
  }

  add(report: ReportBranch): void {
    this.#dropOld();
    const branches = this.#byXid.get(report.xid) ?? new Map<string, Kept>();
    if (!branches.has(report.branchId)) this.#size += 1;
    branches.set(report.branchId, { report, since: this.#now() });
    this.#byXid.set(report.xid, branches);
  }

  /** Phase two has come for a branch: the coordinator has decided, and needs the report no more. */
  branchDecided(xid: string, branchId: string): void {
    const branches = this.#byXid.get(xid);
    if (branches?.delete(branchId) !== true) return;
    this.#size -= 1;
    if (branches.size === 0) this.#byXid.delete(xid);
  }

  transactionDecided(xid: string): void {
    this.#size -= this.#byXid.get(xid)?.size ?? 0;
    this.#byXid.delete(xid);
  }

  *all(): Iterable<ReportBranch> {
    for (const branches of this.#byXid.values()) for (const { report } of branches.values()) yield report;
  }

  /** Oldest transactions stand first in the map. */
  #dropOld(): void {
    const oldest = this.#now() - KEEP_MS;
    for (const [xid, branches] of this.#byXid) {
      const [first] = branches.values();
      if (this.#size < KEEP_AT_MOST && first !== undefined && first.since >= oldest) return;
      this.transactionDecided(xid);
    }
  }
}
