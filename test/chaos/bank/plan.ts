/** One booking of a transfer: the database by its position, the account in it, and what is added to its balance. */
export interface Part {
  readonly database: number;
  readonly account: number;
  readonly amount: number;
}

/** Where a transfer is made to fail, after part of its work is done; none: it should succeed. */
export type Failure = 'none' | 'caller' | 'callee';

/** One transfer: its parts sum up to nothing. At least one is booked by the service that begins it. */
export interface Transfer {
  readonly id: string;
  readonly parts: readonly Part[];
  readonly failure: Failure;
}

/** What a service process is told at its start, as JSON in the environment variable BANK_SERVICE. */
export interface ServiceSettings {
  readonly name: string;
  /** The position of its own database, and so of itself. */
  readonly home: number;
  readonly port: number;
  /** Ports of the services, by database. */
  readonly servicePorts: readonly number[];
  /** The three databases as URLs, by position. */
  readonly databases: readonly string[];
  readonly accounts: number;
  /** Transfers that it has under way at one time. */
  readonly clients: number;
  /** Whether it reads all balances in global transactions too. */
  readonly reads: boolean;
  /** Whether parts are booked in the order of the databases, as readers read them: then nobody waits in a circle. */
  readonly inOrder: boolean;
  /** What all balances together must be. */
  readonly total: number;
  /** Milliseconds that a transfer's transaction may last. */
  readonly timeoutMs: number;
  readonly journal: string;
  readonly seed: number;
}

/** What the harness says to a service, over the channel of a forked process. */
export type Command = 'run' | 'pause';

/** What a service says to the harness. */
export type Notice =
  | { readonly type: 'ready' }
  | { readonly type: 'idle' }
  /** Transfers that ended, and readings of all balances that were complete, in this life. */
  | { readonly type: 'counts'; readonly done: number; readonly reads: number };
