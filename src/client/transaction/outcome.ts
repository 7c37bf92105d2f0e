import type { ErrorCode } from '../../protocol/error-codes.js';
import { GlobalTxError } from '../../protocol/errors.js';
import type { Transaction as TransactionFrame } from '../../protocol/frames.js';
import { attachRollbackReport } from './rollback-report.js';

/** Reasons of the coordinator that are codes of their own for the caller of a commit. */
const OWN_CODES = [
  'TIMED_OUT',
  'ROLLBACK_ONLY',
  'LOCAL_COMMIT_UNKNOWN',
  'PHASE_ONE_UNFINISHED',
] as const satisfies readonly ErrorCode[];

function codeOf(reason: string): ErrorCode {
  return OWN_CODES.find((code) => reason === code || reason.startsWith(`${code}:`)) ?? 'ROLLED_BACK';
}

function compensation(answer: TransactionFrame): string {
  switch (answer.status) {
    case 'ROLLED_BACK':
      return 'everything that it wrote has been taken back';
    case 'NEEDS_ATTENTION':
      return "a branch cannot be compensated without a person: the coordinator's log names it";
    case 'ROLLING_BACK':
    case 'ACTIVE':
    case 'COMMITTING':
    case 'COMMITTED':
    case 'NOT_FOUND':
      return `${answer.unfinishedBranches} branches are still being compensated`;
  }
}

/** The error for the caller of a commit that the coordinator turned into a rollback. */
export function rolledBackError(answer: TransactionFrame, cause: unknown): GlobalTxError {
  const code = codeOf(answer.reason);
  const error = new GlobalTxError(
    code,
    `the global transaction ${answer.xid} was rolled back (${answer.reason || 'no reason given'}); ${compensation(answer)}`,
    {
      xid: answer.xid,
      details: {
        status: answer.status,
        reason: answer.reason,
        unfinishedBranches: String(answer.unfinishedBranches),
      },
      cause,
    },
  );
  const { xid, status, unfinishedBranches } = answer;
  attachRollbackReport(error, { xid, status, unfinishedBranches });
  return error;
}

/** The error for the caller of a commit whose fate could not be learnt. */
export function outcomeUnknownError(xid: string, why: string, cause: unknown): GlobalTxError {
  return new GlobalTxError(
    'OUTCOME_UNKNOWN',
    `whether the global transaction ${xid} was committed is not known: ${why}. It is committed as a whole or rolled back as a whole; ask gtx.stateOf(xid) or \`globaltx show ${xid}\` (remembered for an hour), or look at the data, before the work is done again`,
    { xid, cause },
  );
}
