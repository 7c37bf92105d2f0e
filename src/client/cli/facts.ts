import type { BranchSummary, TransactionSummary } from '../../protocol/admin.js';
import { time } from './text.js';

/** A branch for people and programs: the resource by its label where it has one. */
export function branchFacts(branch: BranchSummary) {
  const { registeredAtMs, resourceId, resourceLabel, ...facts } = branch;
  const resource = resourceLabel === '' ? resourceId : resourceLabel;
  return { ...facts, resource, resourceId, registeredAt: time(registeredAtMs) };
}

export type BranchFacts = ReturnType<typeof branchFacts>;

export function transactionFacts(transaction: TransactionSummary) {
  const { begunAtMs, decidedAtMs, endedAtMs, attention, ...facts } = transaction;
  return {
    ...facts,
    begunAt: time(begunAtMs),
    decidedAt: time(decidedAtMs),
    endedAt: time(endedAtMs),
    attention: attention.map(branchFacts),
  };
}

export type TransactionFacts = ReturnType<typeof transactionFacts>;
