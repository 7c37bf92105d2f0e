import type { PoolConnection } from 'mysql2/promise';

/** How a transaction is made one: not at all, by our driver outside of one, by XA by hand, by globaltx. */
export const MODES = ['plain', 'passthrough', 'xa', 'at'] as const;
export type Mode = (typeof MODES)[number];

/** What one transaction is made with; what becomes of its parts is the mode's affair. */
export interface Unit {
  /** A local transaction of the database with that number. */
  local<Result>(database: number, work: (connection: PoolConnection) => Promise<Result>): Promise<Result>;
  /** One statement that is a local transaction of its own. */
  autocommit(database: number, sql: string, values: readonly unknown[]): Promise<unknown>;
  /** A number from 0 up to, but not including, `below`. */
  chance(below: number): number;
  /** Numbers in turn from 0 up to, but not including, `below`: no two transactions in flight get the same. */
  turn(below: number): number;
}

export interface Workload {
  readonly name: string;
  /** What it sends: workloads of one kind are compiled by V8 together. */
  readonly kind: 'one UPDATE' | 'ten UPDATEs' | 'bulk' | 'order' | 'TPC-C';
  readonly modes: readonly Mode[];
  /** Statements that make the tables of each database. */
  readonly tables: readonly (readonly string[])[];
  /** Which share of the transactions is rolled back once all of it has been written. */
  readonly rollbackShare: number;
  run(unit: Unit): Promise<unknown>;
}
