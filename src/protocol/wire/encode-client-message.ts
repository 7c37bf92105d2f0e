import type {
  Begin,
  ClientBody,
  ClientFrame,
  ClientMessage,
  EnlistResource,
  Hello,
  LockSet,
  PhaseTwoResult,
  RegisterBranch,
  ReportBranch,
  Rollback,
} from '../frames.js';
import { DECISIONS, LOCK_MODES, PHASE_ONE_OUTCOMES, PHASE_TWO_OUTCOMES } from './names.js';
import { Writer } from './writer.js';

// Numbers of fields and enumerations are those of proto/globaltx/v1/coordinator.proto; a case label is a field's
// number * 8 + its wire type. A test holds both ways of writing and reading equal to protobufjs.

const writer = new Writer();

export function encodeClientMessage({ frames }: ClientMessage): Buffer {
  return writer.message(() => {
    for (const frame of frames) writer.nested(1, frame, writeFrame);
  });
}

function writeFrame(frame: ClientFrame): void {
  writer.uint32(1, frame.id);
  writeBody(frame);
}

function writeBody(frame: ClientBody): void {
  switch (frame.body) {
    case 'hello':
      writer.nested(2, frame.hello, writeHello);
      break;
    case 'enlistResource':
      writer.nested(3, frame.enlistResource, writeEnlistResource);
      break;
    case 'withdrawResource':
      writer.nested(4, frame.withdrawResource.resourceId, writeFirst);
      break;
    case 'begin':
      writer.nested(5, frame.begin, writeBegin);
      break;
    case 'registerBranch':
      writer.nested(6, frame.registerBranch, writeRegisterBranch);
      break;
    case 'reportBranch':
      writer.nested(7, frame.reportBranch, writeReportBranch);
      break;
    case 'commit':
      writer.nested(8, frame.commit.xid, writeFirst);
      break;
    case 'rollback':
      writer.nested(9, frame.rollback, writeRollback);
      break;
    case 'getTransaction':
      writer.nested(10, frame.getTransaction.xid, writeFirst);
      break;
    case 'phaseTwoResult':
      writer.nested(11, frame.phaseTwoResult, writePhaseTwoResult);
      break;
  }
}

/** A message whose only field is a text. */
function writeFirst(text: string): void {
  writer.string(1, text);
}

function writeHello({ protocol, clientId, application, library }: Hello): void {
  writer.uint32(1, protocol);
  writer.string(2, clientId);
  writer.string(3, application);
  writer.string(4, library);
}

function writeEnlistResource({ resourceId, kind, serverId, label }: EnlistResource): void {
  writer.string(1, resourceId);
  writer.string(2, kind);
  writer.string(3, serverId);
  writer.string(4, label);
}

function writeBegin({ xid, name, timeoutMs }: Begin): void {
  writer.string(1, xid);
  writer.string(2, name);
  writer.uint32(3, timeoutMs);
}

function writeRegisterBranch(body: RegisterBranch): void {
  writer.string(1, body.xid);
  if (body.begin !== null) writer.nested(2, body.begin, writeBegin);
  writer.string(3, body.requestId);
  writer.string(4, body.resourceId);
  writer.string(5, body.kind);
  for (const locks of body.locks) writer.nested(6, locks, writeLockSet);
  writer.uint32(7, body.lockWaitMs);
  writer.string(8, body.branchId);
  writer.bool(9, body.locksOnly);
}

function writeLockSet({ resourceId, table, mode, keys }: LockSet): void {
  writer.string(1, resourceId);
  writer.string(2, table);
  writer.uint32(3, LOCK_MODES.indexOf(mode));
  for (const key of keys) writer.item(4, key);
}

function writeReportBranch({ xid, branchId, outcome }: ReportBranch): void {
  writer.string(1, xid);
  writer.string(2, branchId);
  writer.uint32(3, PHASE_ONE_OUTCOMES.indexOf(outcome));
}

function writeRollback({ xid, reason, waitMs }: Rollback): void {
  writer.string(1, xid);
  writer.string(2, reason);
  writer.uint32(3, waitMs);
}

function writePhaseTwoResult(body: PhaseTwoResult): void {
  writer.string(1, body.xid);
  writer.string(2, body.branchId);
  writer.uint32(3, DECISIONS.indexOf(body.decision));
  writer.uint32(4, PHASE_TWO_OUTCOMES.indexOf(body.outcome));
  writer.string(5, body.code);
  writer.string(6, body.detail);
  writer.uint32(7, body.attempt);
}
