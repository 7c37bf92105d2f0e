import type {
  Decision,
  LockMode,
  PhaseOneOutcome,
  PhaseTwoOutcome,
  Resolution,
  TransactionStatus,
} from '../frames.js';

// The names of each enumeration of proto/globaltx/v1/coordinator.proto, in the order of their numbers.
export const LOCK_MODES: readonly LockMode[] = ['EXCLUSIVE', 'SHARED'];
export const PHASE_ONE_OUTCOMES: readonly PhaseOneOutcome[] = [
  'PHASE_ONE_DONE',
  'PHASE_ONE_FAILED',
  'PHASE_ONE_UNKNOWN',
];
export const PHASE_TWO_OUTCOMES: readonly PhaseTwoOutcome[] = [
  'PHASE_TWO_DONE',
  'PHASE_TWO_RETRY',
  'PHASE_TWO_NEEDS_ATTENTION',
];
export const DECISIONS: readonly Decision[] = ['COMMIT', 'ROLLBACK'];
export const RESOLUTIONS: readonly Resolution[] = ['UNRESOLVED', 'ACCEPT_CURRENT', 'RESTORE_BEFORE'];
export const STATUSES: readonly (TransactionStatus | 'STATUS_UNSPECIFIED')[] = [
  'STATUS_UNSPECIFIED',
  'ACTIVE',
  'COMMITTING',
  'COMMITTED',
  'ROLLING_BACK',
  'ROLLED_BACK',
  'NEEDS_ATTENTION',
  'NOT_FOUND',
];

/** A number that this version does not know stays that number, for whoever judges the frame. */
export function nameOf<Name extends string>(names: readonly Name[], number: number): Name {
  return names[number] ?? (number as unknown as Name);
}

/** What is read into: the frame types can only be read from. */
export type Writing<Type> = { -readonly [Name in keyof Type]: Type[Name] };
