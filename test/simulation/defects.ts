import type { ClientBody } from '../../src/protocol/frames.js';
import type { CoreEvent, Effect } from '../../src/server/core/index.js';
import { Lock } from '../../src/server/core/lock.js';
import { LockTable } from '../../src/server/core/lock-table.js';
import type { StoreRecord } from '../../src/server/store/store.js';
import type { Defect } from './host.js';
import type { MakeDefect } from './run.js';

/** One rule of the coordinator, broken, and the checks of which one must notice. */
export interface KnownDefect {
  readonly what: string;
  readonly caughtBy: readonly string[];
  readonly make: MakeDefect;
  /** Breaks the core's own classes; returns how to mend them. */
  readonly install?: () => () => void;
}

function notStored(isLost: (record: StoreRecord) => boolean): MakeDefect {
  return () => ({
    tamper: (effects) =>
      effects.filter(
        (effect) => !(effect.type === 'store' && effect.change.op === 'put' && isLost(effect.change.record)),
      ),
  });
}

function eachEffect(change: (effect: Effect) => Effect): MakeDefect {
  return () => ({ tamper: (effects) => effects.map(change) });
}

function heard(change: (body: ClientBody) => ClientBody | undefined): MakeDefect {
  return () => ({
    mishear: (event: CoreEvent) => {
      if (event.type !== 'frame') return event;
      const body = change(event.body);
      return body === undefined ? undefined : { ...event, body };
    },
  });
}

const NOTHING: MakeDefect = () => ({});

/** Puts another method in the place of one. */
function replaced<Class extends object, Name extends keyof Class>(
  prototype: Class,
  name: Name,
  replacement: (original: Class[Name]) => Class[Name],
): () => () => void {
  return () => {
    const original = prototype[name];
    prototype[name] = replacement(original);
    return () => {
      prototype[name] = original;
    };
  };
}

function flippedStatus(record: StoreRecord): StoreRecord {
  return record.type === 'transaction' && record.status === 'COMMITTED'
    ? { ...record, status: 'ROLLED_BACK' }
    : record;
}

function pushesAnOlderBranchToo(): Defect {
  return {
    tamper: (effects, state) =>
      effects.flatMap((effect) => {
        if (effect.type !== 'send' || effect.body.body !== 'phaseTwo') return [effect];
        const { phaseTwo } = effect.body;
        const branches = state.transactions.get(phaseTwo.xid)?.branches.values() ?? [];
        const older = [...branches].find(
          ({ id, locksOnly }) => !locksOnly && BigInt(id) < BigInt(phaseTwo.branchId),
        );
        if (phaseTwo.decision !== 'ROLLBACK' || older?.resource.id !== phaseTwo.resourceId) return [effect];
        const body = { body: 'phaseTwo', phaseTwo: { ...phaseTwo, branchId: older.id } } as const;
        return [{ ...effect, body }, effect];
      }),
  };
}

function countsEveryRequestAnew(): Defect {
  let count = 0;
  return {
    mishear: (event) => {
      if (event.type !== 'frame' || event.body.body !== 'registerBranch') return event;
      const registerBranch = { ...event.body.registerBranch, requestId: `anew-${++count}` };
      return { ...event, body: { body: 'registerBranch', registerBranch } };
    },
  };
}

export const DEFECTS: readonly KnownDefect[] = [
  {
    what: 'messages leave before their writes are done',
    caughtBy: ['an answer speaks of what is on disk', 'phase two agrees with the decision'],
    make: () => ({ hasty: true }),
  },
  {
    what: 'branches are not stored',
    caughtBy: ['no acknowledged registration is lost'],
    make: notStored((record) => record.type === 'branch'),
  },
  {
    what: 'commits are not stored',
    caughtBy: ['an answer speaks of what is on disk', 'phase two agrees with the decision'],
    make: notStored((record) => record.type === 'transaction' && record.status === 'COMMITTING'),
  },
  {
    what: 'rollbacks are not stored',
    caughtBy: ['an answer speaks of what is on disk', 'phase two agrees with the decision'],
    make: notStored((record) => record.type === 'transaction' && record.status === 'ROLLING_BACK'),
  },
  {
    what: 'a decision is stored as the other one when the transaction ends',
    caughtBy: ['a decision never changes'],
    make: eachEffect((effect) =>
      effect.type === 'store' && effect.change.op === 'put'
        ? { ...effect, change: { op: 'put', record: flippedStatus(effect.change.record) } }
        : effect,
    ),
  },
  {
    what: 'phase two is pushed with the other decision',
    caughtBy: ['phase two agrees with the decision'],
    make: eachEffect((effect) =>
      effect.type === 'send' && effect.body.body === 'phaseTwo' && effect.body.phaseTwo.attempt === 2
        ? {
            ...effect,
            body: {
              body: 'phaseTwo',
              phaseTwo: {
                ...effect.body.phaseTwo,
                decision: effect.body.phaseTwo.decision === 'COMMIT' ? 'ROLLBACK' : 'COMMIT',
              },
            },
          }
        : effect,
    ),
  },
  {
    what: 'a push says of any branch that its phase one is done',
    caughtBy: ['phase one is said to be done only when it is'],
    make: eachEffect((effect) =>
      effect.type === 'send' && effect.body.body === 'phaseTwo'
        ? {
            ...effect,
            body: { body: 'phaseTwo', phaseTwo: { ...effect.body.phaseTwo, phaseOneDone: true } },
          }
        : effect,
    ),
  },
  {
    what: 'the ids that were given out are forgotten',
    caughtBy: ['no branch id is given out twice', 'the core never fails'],
    make: notStored((record) => record.type === 'fact' && record.name === 'branchIdLimit'),
  },
  {
    what: 'an older branch is rolled back together with a newer one',
    caughtBy: ['branches are rolled back newest first'],
    make: pushesAnOlderBranchToo,
  },
  {
    what: 'a registration that is sent again makes another branch',
    caughtBy: ['a request has its effect once'],
    make: countsEveryRequestAnew,
  },
  {
    what: 'an unknown local commit is taken for a done one',
    caughtBy: ['a commit waits for phase one', 'phase one is said to be done only when it is'],
    make: heard((body) =>
      body.body === 'reportBranch' && body.reportBranch.outcome === 'PHASE_ONE_UNKNOWN'
        ? { body: 'reportBranch', reportBranch: { ...body.reportBranch, outcome: 'PHASE_ONE_DONE' } }
        : body,
    ),
  },
  {
    what: 'a branch is dropped when it is reported done',
    caughtBy: ['no acknowledged registration is lost'],
    make: heard((body) =>
      body.body === 'reportBranch' && body.reportBranch.outcome === 'PHASE_ONE_DONE'
        ? { body: 'reportBranch', reportBranch: { ...body.reportBranch, outcome: 'PHASE_ONE_FAILED' } }
        : body,
    ),
  },
  {
    what: 'a retry of phase two is taken for done',
    caughtBy: [
      'no undo log row is left',
      'no acknowledged registration is lost',
      'branches are rolled back newest first',
    ],
    make: heard((body) =>
      body.body === 'phaseTwoResult' && body.phaseTwoResult.outcome === 'PHASE_TWO_RETRY'
        ? { body: 'phaseTwoResult', phaseTwoResult: { ...body.phaseTwoResult, outcome: 'PHASE_TWO_DONE' } }
        : body,
    ),
  },
  {
    what: 'time is not noticed',
    caughtBy: ['everything ends', 'the store forgets what has ended'],
    make: () => ({ mishear: (event) => (event.type === 'tick' ? undefined : event) }),
  },
  {
    what: 'phase two is pushed only once',
    caughtBy: ['everything ends'],
    make: () => ({
      tamper: (effects) =>
        effects.filter(
          (effect) =>
            !(effect.type === 'send' && effect.body.body === 'phaseTwo' && effect.body.phaseTwo.attempt > 1),
        ),
    }),
  },
  {
    what: 'held locks are not seen',
    caughtBy: ['two undecided transactions never hold one lock'],
    make: NOTHING,
    install: replaced(Lock.prototype, 'holderInTheWay', () => () => undefined),
  },
  {
    what: 'a lock that is asked for alone is shared',
    caughtBy: ['nobody reads what is not decided', 'nobody overwrites a change that is not decided'],
    make: heard((body) =>
      body.body === 'registerBranch'
        ? {
            body: 'registerBranch',
            registerBranch: {
              ...body.registerBranch,
              locks: body.registerBranch.locks.map((set) => ({ ...set, mode: 'SHARED' as const })),
            },
          }
        : body,
    ),
  },
  {
    what: 'the queue is not seen',
    caughtBy: ['the queue is first come first served'],
    make: NOTHING,
    install: replaced(Lock.prototype, 'queuedInTheWay', () => () => undefined),
  },
  {
    what: 'nobody is seen to wait for anybody',
    caughtBy: ['nobody waits in a cycle'],
    make: NOTHING,
    install: replaced(Lock.prototype, 'waitsFor', () => () => []),
  },
  {
    what: 'waiters are not refused when the holder rolls back',
    caughtBy: ['nobody waits on a holder that is rolling back'],
    make: NOTHING,
    install: replaced(LockTable.prototype, 'waitersOn', () => () => new Set()),
  },
  {
    what: 'locks are kept',
    caughtBy: ['a decided commit holds no lock'],
    make: NOTHING,
    install: replaced(LockTable.prototype, 'release', () => () => undefined),
  },
  {
    what: 'locks are given up as soon as a rollback begins',
    caughtBy: ['an undecided branch keeps its locks', 'locks are counted right'],
    make: NOTHING,
    install: replaced(
      LockTable.prototype,
      'waitersOn',
      (original) =>
        function (this: LockTable, transaction, sets) {
          const found = original.call(this, transaction, sets);
          this.release(transaction, sets);
          return found;
        },
    ),
  },
  {
    what: 'a lock that two branches hold is free when one of them is done',
    caughtBy: ['an undecided branch keeps its locks'],
    make: NOTHING,
    install: replaced(
      Lock.prototype,
      'release',
      (original) =>
        function (this: Lock, transaction, mode) {
          const hold = this.holdOf(transaction);
          if (hold !== undefined && hold.exclusive > 1) hold.exclusive = 1;
          return original.call(this, transaction, mode);
        },
    ),
  },
  {
    what: 'a queue does not move when a lock is freed',
    caughtBy: ['nobody waits for a lock that is free'],
    make: NOTHING,
    install: replaced(LockTable.prototype, 'review', () => () => undefined),
  },
];
