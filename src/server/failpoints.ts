import { GlobalTxError } from '../protocol/errors.js';
import { Failpoints, SERVER_FAILPOINTS, type ServerFailpoint, type Side } from '../protocol/failpoints.js';
import type { CoreEvent, Effect } from './core/events.js';
import type { StoreChange, StoreRecord } from './store/store.js';

/** Fails where `GLOBALTX_FAILPOINTS` says; an `error` ends the coordinator as a failed store does. */
export class ServerFailpoints {
  readonly #failpoints: Failpoints<ServerFailpoint>;

  private constructor(failpoints: Failpoints<ServerFailpoint>) {
    this.#failpoints = failpoints;
  }

  /**
   * @returns undefined when the variable is not set
   * @throws GlobalTxError INVALID_OPTION
   */
  static fromEnvironment(): ServerFailpoints | undefined {
    const failpoints = Failpoints.fromEnvironment('GLOBALTX_FAILPOINTS', SERVER_FAILPOINTS);
    return failpoints && new ServerFailpoints(failpoints);
  }

  event(side: Side, event: CoreEvent): void {
    if (event.type !== 'frame' || event.body.body !== 'phaseTwoResult') return;
    if (event.body.phaseTwoResult.outcome === 'PHASE_TWO_DONE') this.#reach(side, 'phase-two-done');
  }

  write(side: Side, changes: readonly StoreChange[]): void {
    for (const change of changes) {
      if (change.op === 'put') for (const name of storedBy(change.record)) this.#reach(side, name);
      else if (change.key.type === 'branch') this.#reach(side, 'lock-released');
    }
  }

  message(side: Side, message: Effect): void {
    if (message.type !== 'send') return;
    if (message.body.body === 'branchRegistered') this.#reach(side, 'lock-granted');
    if (message.body.body === 'phaseTwo') this.#reach(side, 'phase-two-sent');
  }

  #reach(side: Side, name: ServerFailpoint): void {
    this.#failpoints.reach(side, name, (message) => new GlobalTxError('STORE_FAILED', message));
  }
}

function storedBy(record: StoreRecord): readonly ServerFailpoint[] {
  if (record.type === 'branch') return record.attention === null ? ['branch-stored'] : [];
  if (record.type === 'fact') return [];
  switch (record.status) {
    case 'ACTIVE':
      return ['begin-stored'];
    case 'COMMITTING':
      return ['decision-stored', 'lock-released'];
    case 'ROLLING_BACK':
      return ['decision-stored'];
    case 'COMMITTED':
    case 'ROLLED_BACK':
      // Decided and ended in one step when there was nothing left to do.
      return record.decidedAt === record.endedAt ? ['decision-stored', 'lock-released'] : [];
  }
}
