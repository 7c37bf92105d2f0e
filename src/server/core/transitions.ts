import { GlobalTxError } from '../../protocol/errors.js';
import type { StoredStatus } from '../store/store.js';
import type { Branch, GlobalTransaction, PhaseTwoState } from './model.js';

interface Transition<State> {
  readonly from: State;
  readonly to: State;
  readonly when: string;
}

/** Every move of a transaction. There are no others: `moveTransaction` throws. */
export const TRANSACTION_TRANSITIONS: readonly Transition<StoredStatus>[] = [
  { from: 'ACTIVE', to: 'COMMITTING', when: 'commit, every writing branch reported done' },
  { from: 'ACTIVE', to: 'COMMITTED', when: 'commit, and no branch wrote' },
  {
    from: 'ACTIVE',
    to: 'ROLLING_BACK',
    when: 'rollback; time-out; commit with a branch unknown or unreported past the patience',
  },
  { from: 'ACTIVE', to: 'ROLLED_BACK', when: 'the same, and no branch wrote' },
  { from: 'COMMITTING', to: 'COMMITTED', when: 'phase two of the last branch is done' },
  { from: 'ROLLING_BACK', to: 'ROLLED_BACK', when: 'the last branch is compensated' },
];

/** Every move of a branch's phase two. There are no others: `moveBranch` throws. */
export const PHASE_TWO_TRANSITIONS: readonly Transition<PhaseTwoState>[] = [
  { from: 'NONE', to: 'READY', when: 'decided; nothing has to come first' },
  { from: 'NONE', to: 'BEHIND', when: 'rollback; a newer branch with a common resource comes first' },
  { from: 'NONE', to: 'ATTENTION', when: 'restart; it needs a person' },
  { from: 'BEHIND', to: 'READY', when: 'the newer branches are compensated' },
  { from: 'READY', to: 'PUSHED', when: 'a session that has the resource has room' },
  { from: 'PUSHED', to: 'READY', when: 'unanswered for too long; session lost; resource withdrawn' },
  { from: 'PUSHED', to: 'BACKING_OFF', when: 'answered RETRY' },
  { from: 'PUSHED', to: 'ATTENTION', when: 'answered NEEDS_ATTENTION' },
  { from: 'PUSHED', to: 'FINISHED', when: 'answered DONE' },
  {
    from: 'BACKING_OFF',
    to: 'READY',
    when: 'the wait is over; a session enlists the resource; an operator retries',
  },
  { from: 'ATTENTION', to: 'READY', when: 'an operator retries or resolves' },
  { from: 'READY', to: 'FINISHED', when: 'a late DONE of an earlier attempt' },
  { from: 'BACKING_OFF', to: 'FINISHED', when: 'a late DONE of an earlier attempt' },
  { from: 'ATTENTION', to: 'FINISHED', when: 'a late DONE of an earlier attempt' },
];

type Moves<State> = ReadonlyMap<State, readonly State[]>;

function index<State extends string>(transitions: readonly Transition<State>[]): Moves<State> {
  const moves = new Map<State, State[]>();
  for (const { from, to } of transitions) moves.set(from, [...(moves.get(from) ?? []), to]);
  return moves;
}

const TRANSACTION_MOVES = index(TRANSACTION_TRANSITIONS);
const PHASE_TWO_MOVES = index(PHASE_TWO_TRANSITIONS);

function forbidden(what: string, xid: string, from: string, to: string): GlobalTxError {
  return new GlobalTxError(
    'INTERNAL',
    `${what} cannot go from ${from} to ${to}; this is a defect of the coordinator, please report it`,
    {
      xid,
    },
  );
}

export function moveTransaction(transaction: GlobalTransaction, to: StoredStatus): void {
  const from = transaction.status;
  if (TRANSACTION_MOVES.get(from)?.includes(to) !== true)
    throw forbidden('a transaction', transaction.xid, from, to);
  transaction.status = to;
}

export function moveBranch(branch: Branch, to: PhaseTwoState): void {
  const from = branch.phaseTwo;
  if (PHASE_TWO_MOVES.get(from)?.includes(to) !== true) {
    throw forbidden(`branch ${branch.id}`, branch.transaction.xid, from, to);
  }
  branch.phaseTwo = to;
}
