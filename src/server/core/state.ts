import { Fifo } from '../fifo.js';
import type { StoreChange } from '../store/store.js';
import { Clock } from './clock.js';
import type { CoreConfig } from './config.js';
import type { SessionId } from './events.js';
import { LockTable } from './lock-table.js';
import type { Due, DueTimer, EndedTransaction, GlobalTransaction, Resource, Session } from './model.js';
import { randomFrom } from './random.js';
import { Timers } from './timers.js';

/** Everything that the coordinator knows. Changed in place by `step`; nobody else touches it. */
export interface CoordinatorState {
  readonly config: CoreConfig;
  coordinatorId: string;
  readonly clock: Clock;
  readonly timers: Timers<Due>;
  readonly random: () => number;
  readonly sessions: Map<SessionId, Session>;
  /** The living session of each client. */
  readonly clients: Map<string, Session>;
  readonly resources: Map<string, Resource>;
  readonly transactions: Map<string, GlobalTransaction>;
  readonly ended: Map<string, EndedTransaction>;
  /** The same in the order of ending. */
  readonly endedInOrder: Fifo<EndedTransaction>;
  readonly locks: LockTable;
  /** Registrations that are known of the transactions that have not ended. */
  registrations: number;
  /** Branches that a person must decide about. */
  needingAttention: number;
  /** How many transactions were ever begun here: the age of the next one. */
  begun: number;
  /** The last branch id given out, and the first that the store has not reserved. */
  lastBranchId: bigint;
  branchIdLimit: bigint;
  /** Changes that no message has spoken of yet, in order; they go out before any other change. */
  later: StoreChange[];
  laterTimer: DueTimer | undefined;
}

export function createState(config: CoreConfig): CoordinatorState {
  return {
    config,
    coordinatorId: config.coordinatorId,
    clock: new Clock(),
    timers: new Timers(),
    random: randomFrom(config.seed),
    sessions: new Map(),
    clients: new Map(),
    resources: new Map(),
    transactions: new Map(),
    ended: new Map(),
    endedInOrder: new Fifo(),
    locks: new LockTable(),
    registrations: 0,
    needingAttention: 0,
    begun: 0,
    lastBranchId: 0n,
    branchIdLimit: 1n,
    later: [],
    laterTimer: undefined,
  };
}

/** The resource of this name, known from now on; `dropIfIdle` forgets it again. */
export function resourceOf(state: CoordinatorState, id: string): Resource {
  let resource = state.resources.get(id);
  if (resource === undefined) {
    resource = { id, serverId: '', claims: new Map(), branches: 0, ready: new Set(), backingOff: new Set() };
    state.resources.set(id, resource);
  }
  return resource;
}

export function dropIfIdle(state: CoordinatorState, resource: Resource): void {
  if (resource.branches === 0 && resource.claims.size === 0) state.resources.delete(resource.id);
}
