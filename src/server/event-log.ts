import type { Logger } from 'pino';
import type { PhaseTwoResult, ServerBody } from '../protocol/frames.js';
import type { CoreEvent, Effect, SessionId } from './core/events.js';
import { type EngineObserver, isOrdered } from './engine.js';
import type { BranchRecord, StoreRecord, TransactionRecord } from './store/store.js';

/** A flush that takes longer is worth a line. */
const SLOW_FLUSH_MS = 1_000;

/** Says in the log what happens to transactions, with the xid in each line. What is usual is at debug. */
export class EventLog implements EngineObserver {
  readonly #log: Logger;
  readonly #debug: boolean;

  constructor(log: Logger) {
    this.#log = log;
    this.#debug = log.isLevelEnabled('debug');
  }

  stepped(event: CoreEvent, effects: readonly Effect[]): void {
    // Most of what happens is worth a line only at debug: nothing is made ready for lines that nobody wants.
    if (!this.#debug && isUsual(event, effects)) return;
    if (event.type === 'frame') this.#received(event);
    if (event.type === 'retry' || event.type === 'resolve' || event.type === 'rollback') {
      this.#log.info({ ...event, type: undefined, order: event.type }, 'an operator gave an order');
    }
    for (const effect of effects) {
      if (effect.type === 'store' && effect.change.op === 'put' && !isOrdered(event, effect.change.record)) {
        this.#stored(effect.change.record);
      }
      if (effect.type === 'send') this.#sent(effect.session, effect.body);
    }
  }

  flushed(changes: number, durationMs: number): void {
    if (durationMs > SLOW_FLUSH_MS) this.#log.warn({ changes, durationMs }, 'the store was slow');
  }

  #received(event: Extract<CoreEvent, { type: 'frame' }>): void {
    if (event.body.body === 'hello') {
      const { clientId, application, library } = event.body.hello;
      this.#log.info({ session: event.session, clientId, application, library }, 'client said hello');
    } else if (event.body.body === 'phaseTwoResult') {
      this.#phaseTwoAnswered(event.session, event.body.phaseTwoResult);
    } else if (event.body.body === 'reportBranch' && event.body.reportBranch.outcome !== 'PHASE_ONE_DONE') {
      this.#log.info({ session: event.session, ...event.body.reportBranch }, 'phase one was not done');
    }
  }

  #phaseTwoAnswered(session: SessionId, result: PhaseTwoResult): void {
    const { xid, branchId, decision, attempt, code, detail } = result;
    switch (result.outcome) {
      case 'PHASE_TWO_DONE':
        this.#log.debug({ xid, branchId, decision, attempt, session }, 'phase two done');
        return;
      case 'PHASE_TWO_RETRY':
        this.#log.warn(
          { xid, branchId, decision, attempt, code, detail, session },
          'phase two is tried again later',
        );
        return;
      case 'PHASE_TWO_NEEDS_ATTENTION':
        // Logged from the record, once it counts.
        return;
    }
  }

  #stored(record: StoreRecord): void {
    if (record.type === 'transaction') this.#transactionStored(record);
    else if (record.type === 'branch') this.#branchStored(record);
  }

  #transactionStored(record: TransactionRecord): void {
    const { xid, name, application } = record;
    switch (record.status) {
      case 'ACTIVE':
        this.#log.debug({ xid, name, application, timeoutMs: record.timeoutMs }, 'transaction begun');
        return;
      case 'COMMITTING':
        this.#log.debug({ xid, name, application }, 'commit decided');
        return;
      case 'ROLLING_BACK':
        this.#rollbackDecided(record);
        return;
      case 'COMMITTED':
      case 'ROLLED_BACK':
        // Where there was nothing to compensate, the end is all that is stored.
        if (record.status === 'ROLLED_BACK' && record.decidedAt === record.endedAt)
          this.#rollbackDecided(record);
        this.#log.debug(
          { xid, status: record.status, lastedMs: record.endedAt - record.begunAt },
          'transaction ended',
        );
        return;
    }
  }

  #rollbackDecided({ xid, name, application, reason }: TransactionRecord): void {
    if (reason === 'TIMED_OUT') {
      this.#log.warn({ xid, name, application }, 'transaction timed out: rollback decided');
    } else {
      this.#log.info({ xid, name, application, reason }, 'rollback decided');
    }
  }

  #branchStored(record: BranchRecord): void {
    const { xid, branchId, resourceId, attention } = record;
    if (attention === null) {
      this.#log.debug({ xid, branchId, resourceId, clientId: record.clientId }, 'branch registered');
    } else {
      this.#log.warn(
        { xid, branchId, resourceId, ...attention },
        'a branch needs attention: a person must decide',
      );
    }
  }

  #sent(session: SessionId, body: ServerBody): void {
    if (body.body === 'failure' && body.failure.xid !== '') {
      const { xid, code, message, details } = body.failure;
      this.#log.debug({ xid, code, reason: message, details, session }, 'request refused');
    } else if (body.body === 'phaseTwo') {
      const { xid, branchId, resourceId, decision, attempt } = body.phaseTwo;
      const level = attempt > 1 ? 'info' : 'debug';
      this.#log[level]({ xid, branchId, resourceId, decision, attempt, session }, 'phase two sent');
    }
  }
}

/** Whether a step did nothing but take a transaction on its way to a commit. */
function isUsual(event: CoreEvent, effects: readonly Effect[]): boolean {
  if (event.type !== 'frame') return false;
  switch (event.body.body) {
    case 'begin':
    case 'registerBranch':
    case 'commit':
    case 'getTransaction':
      break;
    case 'reportBranch':
      if (event.body.reportBranch.outcome !== 'PHASE_ONE_DONE') return false;
      break;
    case 'phaseTwoResult':
      if (event.body.phaseTwoResult.outcome !== 'PHASE_TWO_DONE') return false;
      break;
    case 'hello':
    case 'enlistResource':
    case 'withdrawResource':
    case 'rollback':
      return false;
  }
  return effects.every(isUsualEffect);
}

function isUsualEffect(effect: Effect): boolean {
  switch (effect.type) {
    case 'store':
      return effect.change.op === 'delete' || isUsualRecord(effect.change.record);
    case 'send':
      return effect.body.body !== 'phaseTwo' || effect.body.phaseTwo.attempt === 1;
    case 'end':
      return false;
  }
}

function isUsualRecord(record: StoreRecord): boolean {
  switch (record.type) {
    case 'transaction':
      return record.status !== 'ROLLING_BACK' && record.status !== 'ROLLED_BACK';
    case 'branch':
      return record.attention === null;
    case 'fact':
      return true;
  }
}
