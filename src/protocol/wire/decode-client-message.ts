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
import {
  DECISIONS,
  LOCK_MODES,
  nameOf,
  PHASE_ONE_OUTCOMES,
  PHASE_TWO_OUTCOMES,
  type Writing,
} from './names.js';
import { Reader } from './reader.js';

// Numbers of fields and enumerations are those of proto/globaltx/v1/coordinator.proto; a case label is a field's
// number * 8 + its wire type. A test holds both ways of writing and reading equal to protobufjs.

/**
 * As `decodeClientMessage`, for the coordinator: bytes that are no message are for it to answer. gRPC does not stand an
 * error here: when two messages of a stream cannot be read, its status is never sent, and the client waits for ever.
 */
export function takeClientMessage(bytes: Buffer): ClientMessage {
  try {
    return decodeClientMessage(bytes);
  } catch (error) {
    return { frames: [], unreadable: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws RangeError when the bytes are no message */
export function decodeClientMessage(bytes: Buffer): ClientMessage {
  const reader = new Reader(bytes);
  const frames: ClientFrame[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) frames.push(reader.inside(readFrame));
    else reader.skip(tag);
  }
  return { frames };
}

/** A frame without a body that is known here has the id alone; whoever judges frames refuses it. */
function readFrame(reader: Reader): ClientFrame {
  let id = 0;
  let body: ClientBody | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 8:
        id = reader.uint32();
        break;
      case 18:
        body = { body: 'hello', hello: reader.inside(readHello) };
        break;
      case 26:
        body = { body: 'enlistResource', enlistResource: reader.inside(readEnlistResource) };
        break;
      case 34:
        body = { body: 'withdrawResource', withdrawResource: { resourceId: reader.inside(readFirst) } };
        break;
      case 42:
        body = { body: 'begin', begin: reader.inside(readBegin) };
        break;
      case 50:
        body = { body: 'registerBranch', registerBranch: reader.inside(readRegisterBranch) };
        break;
      case 58:
        body = { body: 'reportBranch', reportBranch: reader.inside(readReportBranch) };
        break;
      case 66:
        body = { body: 'commit', commit: { xid: reader.inside(readFirst) } };
        break;
      case 74:
        body = { body: 'rollback', rollback: reader.inside(readRollback) };
        break;
      case 82:
        body = { body: 'getTransaction', getTransaction: { xid: reader.inside(readFirst) } };
        break;
      case 90:
        body = { body: 'phaseTwoResult', phaseTwoResult: reader.inside(readPhaseTwoResult) };
        break;
      default:
        reader.skip(tag);
    }
  }
  const frame = (body ?? {}) as Writing<ClientFrame>;
  frame.id = id;
  return frame;
}

function readFirst(reader: Reader): string {
  let text = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) text = reader.string();
    else reader.skip(tag);
  }
  return text;
}

function readHello(reader: Reader): Hello {
  const hello: Writing<Hello> = { protocol: 0, clientId: '', application: '', library: '' };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 8) hello.protocol = reader.uint32();
    else if (tag === 18) hello.clientId = reader.string();
    else if (tag === 26) hello.application = reader.string();
    else if (tag === 34) hello.library = reader.string();
    else reader.skip(tag);
  }
  return hello;
}

function readEnlistResource(reader: Reader): EnlistResource {
  const body: Writing<EnlistResource> = { resourceId: '', kind: '', serverId: '', label: '' };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) body.resourceId = reader.string();
    else if (tag === 18) body.kind = reader.string();
    else if (tag === 26) body.serverId = reader.string();
    else if (tag === 34) body.label = reader.string();
    else reader.skip(tag);
  }
  return body;
}

function readBegin(reader: Reader): Begin {
  const begin: Writing<Begin> = { xid: '', name: '', timeoutMs: 0 };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) begin.xid = reader.string();
    else if (tag === 18) begin.name = reader.string();
    else if (tag === 24) begin.timeoutMs = reader.uint32();
    else reader.skip(tag);
  }
  return begin;
}

function readRegisterBranch(reader: Reader): RegisterBranch {
  const locks: LockSet[] = [];
  const body: Writing<RegisterBranch> = {
    xid: '',
    begin: null,
    requestId: '',
    resourceId: '',
    kind: '',
    locks,
    lockWaitMs: 0,
    branchId: '',
    locksOnly: false,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 10:
        body.xid = reader.string();
        break;
      case 18:
        body.begin = reader.inside(readBegin);
        break;
      case 26:
        body.requestId = reader.string();
        break;
      case 34:
        body.resourceId = reader.string();
        break;
      case 42:
        body.kind = reader.string();
        break;
      case 50:
        locks.push(reader.inside(readLockSet));
        break;
      case 56:
        body.lockWaitMs = reader.uint32();
        break;
      case 66:
        body.branchId = reader.string();
        break;
      case 72:
        body.locksOnly = reader.bool();
        break;
      default:
        reader.skip(tag);
    }
  }
  return body;
}

function readLockSet(reader: Reader): LockSet {
  const keys: string[] = [];
  const set: Writing<LockSet> = { resourceId: '', table: '', mode: 'EXCLUSIVE', keys };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) set.resourceId = reader.string();
    else if (tag === 18) set.table = reader.string();
    else if (tag === 24) set.mode = nameOf(LOCK_MODES, reader.uint32());
    else if (tag === 34) keys.push(reader.string());
    else reader.skip(tag);
  }
  return set;
}

function readReportBranch(reader: Reader): ReportBranch {
  const body: Writing<ReportBranch> = { xid: '', branchId: '', outcome: 'PHASE_ONE_DONE' };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) body.xid = reader.string();
    else if (tag === 18) body.branchId = reader.string();
    else if (tag === 24) body.outcome = nameOf(PHASE_ONE_OUTCOMES, reader.uint32());
    else reader.skip(tag);
  }
  return body;
}

function readRollback(reader: Reader): Rollback {
  const body: Writing<Rollback> = { xid: '', reason: '', waitMs: 0 };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) body.xid = reader.string();
    else if (tag === 18) body.reason = reader.string();
    else if (tag === 24) body.waitMs = reader.uint32();
    else reader.skip(tag);
  }
  return body;
}

function readPhaseTwoResult(reader: Reader): PhaseTwoResult {
  const body: Writing<PhaseTwoResult> = {
    xid: '',
    branchId: '',
    decision: 'COMMIT',
    outcome: 'PHASE_TWO_DONE',
    code: '',
    detail: '',
    attempt: 0,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 10:
        body.xid = reader.string();
        break;
      case 18:
        body.branchId = reader.string();
        break;
      case 24:
        body.decision = nameOf(DECISIONS, reader.uint32());
        break;
      case 32:
        body.outcome = nameOf(PHASE_TWO_OUTCOMES, reader.uint32());
        break;
      case 42:
        body.code = reader.string();
        break;
      case 50:
        body.detail = reader.string();
        break;
      case 56:
        body.attempt = reader.uint32();
        break;
      default:
        reader.skip(tag);
    }
  }
  return body;
}
