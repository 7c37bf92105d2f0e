import type { ClientBody, ClientFrame, LockSet } from '../../protocol/frames.js';
import { isXid } from '../../protocol/xid.js';

/**
 * Whether a frame says what the contract allows: the one place where what comes off the wire is judged.
 * Behind it the coordinator takes every field for granted.
 */

type Problem = string | undefined;

/** Longest fields, in characters. Names are refused beyond; texts for people are cut. */
const LONGEST = { clientId: 64, name: 256, requestId: 128, key: 256, text: 2_000 } as const;

const LARGEST_BRANCH_ID = '9223372036854775807';
const DECIMAL = /^[1-9][0-9]{0,18}$/;

/** What is wrong with the frame, in words for its sender; undefined when nothing is. */
export function problemOf(frame: ClientFrame): Problem {
  if (!isObject(frame.body === undefined ? undefined : bodyOf(frame))) {
    return 'The frame has no body that this version of the contract knows.';
  }
  const problem = idProblem(frame) ?? bodyProblem(frame);
  return problem === undefined ? undefined : `${frame.body}: ${problem}`;
}

/** The body alone, its texts for people cut to a length that can be kept. */
export function bodyToTake(frame: ClientFrame): ClientBody {
  switch (frame.body) {
    case 'hello': {
      const { hello } = frame;
      return {
        body: 'hello',
        hello: { ...hello, application: cut(hello.application), library: cut(hello.library) },
      };
    }
    case 'enlistResource':
      return {
        body: 'enlistResource',
        enlistResource: { ...frame.enlistResource, label: cut(frame.enlistResource.label) },
      };
    case 'begin':
      return { body: 'begin', begin: { ...frame.begin, name: cut(frame.begin.name) } };
    case 'registerBranch': {
      const { begin } = frame.registerBranch;
      if (begin === null || begin.name.length <= LONGEST.text) return frame;
      return {
        body: 'registerBranch',
        registerBranch: { ...frame.registerBranch, begin: { ...begin, name: cut(begin.name) } },
      };
    }
    case 'rollback':
      return { body: 'rollback', rollback: { ...frame.rollback, reason: cut(frame.rollback.reason) } };
    case 'phaseTwoResult': {
      const { phaseTwoResult } = frame;
      if (phaseTwoResult.detail.length <= LONGEST.text && phaseTwoResult.code.length <= LONGEST.text) {
        return frame;
      }
      return {
        body: 'phaseTwoResult',
        phaseTwoResult: {
          ...phaseTwoResult,
          code: cut(phaseTwoResult.code),
          detail: cut(phaseTwoResult.detail),
        },
      };
    }
    case 'withdrawResource':
    case 'reportBranch':
    case 'commit':
    case 'getTransaction':
      return frame;
  }
}

function bodyOf(frame: ClientFrame): unknown {
  return (frame as unknown as Readonly<Record<string, unknown>>)[frame.body];
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Frames that are answered carry an id, the others 0. */
function idProblem(frame: ClientFrame): Problem {
  switch (frame.body) {
    case 'hello':
      return undefined;
    case 'withdrawResource':
    case 'reportBranch':
    case 'phaseTwoResult':
      return frame.id === 0 ? undefined : 'it is not answered, so its id must be 0.';
    case 'enlistResource':
    case 'begin':
    case 'registerBranch':
    case 'commit':
    case 'rollback':
    case 'getTransaction':
      return frame.id === 0 ? 'it is answered, so its id must not be 0.' : undefined;
  }
}

function bodyProblem(frame: ClientFrame): Problem {
  switch (frame.body) {
    case 'hello':
      return nameProblem('client_id', frame.hello.clientId, LONGEST.clientId);
    case 'enlistResource':
      return (
        nameProblem('resource_id', frame.enlistResource.resourceId) ??
        nameProblem('kind', frame.enlistResource.kind) ??
        nameProblem('server_id', frame.enlistResource.serverId)
      );
    case 'withdrawResource':
      return nameProblem('resource_id', frame.withdrawResource.resourceId);
    case 'begin':
      return xidProblem(frame.begin.xid);
    case 'registerBranch':
      return registerProblem(frame);
    case 'reportBranch':
      return (
        xidProblem(frame.reportBranch.xid) ??
        branchIdProblem(frame.reportBranch.branchId) ??
        oneOf('outcome', frame.reportBranch.outcome, [
          'PHASE_ONE_DONE',
          'PHASE_ONE_FAILED',
          'PHASE_ONE_UNKNOWN',
        ])
      );
    case 'commit':
      return xidProblem(frame.commit.xid);
    case 'rollback':
      return xidProblem(frame.rollback.xid);
    case 'getTransaction':
      return xidProblem(frame.getTransaction.xid);
    case 'phaseTwoResult':
      return (
        xidProblem(frame.phaseTwoResult.xid) ??
        branchIdProblem(frame.phaseTwoResult.branchId) ??
        oneOf('decision', frame.phaseTwoResult.decision, ['COMMIT', 'ROLLBACK']) ??
        oneOf('outcome', frame.phaseTwoResult.outcome, [
          'PHASE_TWO_DONE',
          'PHASE_TWO_RETRY',
          'PHASE_TWO_NEEDS_ATTENTION',
        ])
      );
  }
}

function registerProblem(frame: Extract<ClientFrame, { body: 'registerBranch' }>): Problem {
  const { xid, begin, requestId, resourceId, kind, locks, branchId } = frame.registerBranch;
  return (
    xidProblem(xid) ??
    (begin === null || begin.xid === xid ? undefined : 'begin.xid is not the xid of the branch.') ??
    nameProblem('request_id', requestId, LONGEST.requestId) ??
    nameProblem('resource_id', resourceId) ??
    nameProblem('kind', kind) ??
    (branchId === '' ? undefined : branchIdProblem(branchId)) ??
    firstProblem(locks, lockSetProblem)
  );
}

function lockSetProblem(locks: LockSet): Problem {
  return (
    nameProblem('locks.resource_id', locks.resourceId) ??
    nameProblem('locks.table', locks.table) ??
    oneOf('locks.mode', locks.mode, ['EXCLUSIVE', 'SHARED']) ??
    (locks.keys.length === 0 ? 'locks.keys is empty.' : undefined) ??
    firstProblem(locks.keys, (key) => nameProblem('locks.keys', key, LONGEST.key))
  );
}

function xidProblem(xid: string): Problem {
  return isXid(xid)
    ? undefined
    : 'xid is not 1 to 128 letters, digits, dots, colons, hyphens or underscores.';
}

function branchIdProblem(branchId: string): Problem {
  if (DECIMAL.test(branchId)) {
    if (branchId.length < LARGEST_BRANCH_ID.length || branchId <= LARGEST_BRANCH_ID) return undefined;
  }
  return 'branch_id is not a decimal number from 1 to 9223372036854775807.';
}

function nameProblem(field: string, text: string, longest: number = LONGEST.name): Problem {
  if (text === '') return `${field} is empty.`;
  return text.length > longest ? `${field} is longer than ${longest} characters.` : undefined;
}

/** An enumeration's number that this version does not know arrives as that number. */
function oneOf(field: string, value: string, known: readonly string[]): Problem {
  return known.includes(value) ? undefined : `${field} has an unknown value.`;
}

function firstProblem<Item>(items: readonly Item[], check: (item: Item) => Problem): Problem {
  for (const item of items) {
    const problem = check(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function cut(text: string): string {
  return text.length <= LONGEST.text ? text : `${text.slice(0, LONGEST.text - 1)}…`;
}
