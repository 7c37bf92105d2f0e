/**
 * What a function does about the global transaction that it is called in.
 *
 * - REQUIRED: joins it; begins one when there is none.
 * - REQUIRES_NEW: begins one of its own; that of the caller is suspended meanwhile.
 * - SUPPORTS: joins it; runs without one when there is none.
 * - NOT_SUPPORTED: runs without one; that of the caller is suspended meanwhile.
 * - MANDATORY: joins it; is refused when there is none.
 * - NEVER: runs without one; is refused when there is one.
 */
export type Propagation = 'REQUIRED' | 'REQUIRES_NEW' | 'SUPPORTS' | 'NOT_SUPPORTED' | 'MANDATORY' | 'NEVER';

export const PROPAGATIONS = [
  'REQUIRED',
  'REQUIRES_NEW',
  'SUPPORTS',
  'NOT_SUPPORTED',
  'MANDATORY',
  'NEVER',
] as const satisfies readonly Propagation[];

type Within = 'join' | 'begin' | 'outside' | 'refuse';
type Alone = 'begin' | 'outside' | 'refuse';

/** Where a function runs that is called inside of a global transaction. */
export const WITHIN: Readonly<Record<Propagation, Within>> = {
  REQUIRED: 'join',
  REQUIRES_NEW: 'begin',
  SUPPORTS: 'join',
  NOT_SUPPORTED: 'outside',
  MANDATORY: 'join',
  NEVER: 'refuse',
};

/** Where a function runs that is called outside of any. */
export const ALONE: Readonly<Record<Propagation, Alone>> = {
  REQUIRED: 'begin',
  REQUIRES_NEW: 'begin',
  SUPPORTS: 'outside',
  NOT_SUPPORTED: 'outside',
  MANDATORY: 'refuse',
  NEVER: 'outside',
};
