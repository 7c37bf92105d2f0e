import type { Mode } from '../workloads/index.js';

/** Where the load finds a database; `database` is another one for each workload. */
export interface Address {
  readonly port: number;
}

/** What the process of the load is started with, as JSON in its first argument. */
export interface LoadOptions {
  readonly databases: readonly Address[];
  readonly coordinator: string;
}

/** From the bench to the load: prepare the pools of a workload, or play one round of it. */
export type Request =
  | {
      readonly ask: 'prepare';
      readonly workload: string;
      readonly schemas: readonly string[];
      readonly connections: number;
    }
  | {
      readonly ask: 'round';
      readonly mode: Mode;
      readonly inFlight: number;
      readonly ms: number;
      /** Ends after so many transactions even if there is time left. */
      readonly most: number;
    }
  | { readonly ask: 'finish' };

/** What the load itself can say of a round. */
export interface LoadRound {
  readonly transactions: number;
  /** Transactions that ended in an error: deadlocks, lock conflicts. They are not counted among the others. */
  readonly failed: number;
  readonly txPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly clientCpuUs: number;
}

export type Answer =
  | { readonly answer: 'ready' }
  | { readonly answer: 'round'; readonly round: LoadRound }
  | { readonly answer: 'failed'; readonly message: string };
