import type { EnlistResource, PhaseTwo, PhaseTwoResult } from '../../protocol/frames.js';

/** What phase two of one branch came to, for the coordinator. */
export type PhaseTwoAnswer = Pick<PhaseTwoResult, 'outcome' | 'code' | 'detail'>;

/**
 * One database (later: one TCC service, one Saga step) that this process can carry out phase two for.
 * The connection knows resources only through this interface, so that branch kinds beside AT can be added.
 */
export interface Resource {
  readonly identity: EnlistResource;
  /**
   * Carries out phase two of the given branches, all of this resource and of one decision. Answers each in
   * its place; never throws. Branches of one transaction to be rolled back come one at a time.
   */
  phaseTwo(branches: readonly PhaseTwo[]): Promise<readonly PhaseTwoAnswer[]>;
  /** It is not enlisted any more: whatever it does in the background stops. */
  close?(): void;
}

/** Where resources become known to the coordinator. Enlisting again under one id replaces the earlier one. */
export interface ResourceRegistry {
  /** Resolves once the coordinator has accepted it; while it is away, waits, up to `deadlineMs`.
   * @throws GlobalTxError RESOURCE_CLAIMED_TWICE */
  enlist(resource: Resource, deadlineMs?: number): Promise<void>;
  withdraw(resourceId: string): void;
  /** What is enlisted under an id, accepted or not. */
  find(resourceId: string): Resource | undefined;
}
