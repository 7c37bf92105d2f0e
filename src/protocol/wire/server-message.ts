import type {
  BranchRegistered,
  Failure,
  PhaseTwo,
  ServerBody,
  ServerFrame,
  ServerMessage,
  Transaction,
  TransactionStatus,
  Welcome,
} from '../frames.js';
import { DECISIONS, nameOf, RESOLUTIONS, STATUSES, type Writing } from './names.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

// Numbers of fields and enumerations are those of proto/globaltx/v1/coordinator.proto; a case label is a field's
// number * 8 + its wire type. A test holds both ways of writing and reading equal to protobufjs.

const writer = new Writer();

export function encodeServerMessage({ frames }: ServerMessage): Buffer {
  return writer.message(() => {
    for (const frame of frames) writer.nested(1, frame, writeFrame);
  });
}

function writeFrame(frame: ServerFrame): void {
  writer.uint32(1, frame.id);
  writeBody(frame);
}

function writeBody(frame: ServerBody): void {
  switch (frame.body) {
    case 'welcome':
      writer.nested(2, frame.welcome, writeWelcome);
      break;
    case 'done':
      writer.nested(3, undefined, () => undefined);
      break;
    case 'branchRegistered':
      writer.nested(4, frame.branchRegistered.branchId, writeFirst);
      break;
    case 'transaction':
      writer.nested(5, frame.transaction, writeTransaction);
      break;
    case 'phaseTwo':
      writer.nested(6, frame.phaseTwo, writePhaseTwo);
      break;
    case 'failure':
      writer.nested(7, frame.failure, writeFailure);
      break;
  }
}

/** A message whose only field is a text. */
function writeFirst(text: string): void {
  writer.string(1, text);
}

function writeWelcome({ protocol, coordinatorId, maxFrameBytes }: Welcome): void {
  writer.uint32(1, protocol);
  writer.string(2, coordinatorId);
  writer.uint32(3, maxFrameBytes);
}

function writeTransaction({ xid, status, reason, unfinishedBranches }: Transaction): void {
  writer.string(1, xid);
  writer.uint32(2, STATUSES.indexOf(status));
  writer.string(3, reason);
  writer.uint32(4, unfinishedBranches);
}

function writePhaseTwo(body: PhaseTwo): void {
  writer.string(1, body.xid);
  writer.string(2, body.branchId);
  writer.string(3, body.resourceId);
  writer.string(4, body.kind);
  writer.uint32(5, DECISIONS.indexOf(body.decision));
  writer.uint32(6, body.attempt);
  writer.uint32(7, RESOLUTIONS.indexOf(body.resolution));
  writer.bool(8, body.phaseOneDone);
}

function writeFailure({ code, message, xid, details }: Failure): void {
  writer.string(1, code);
  writer.string(2, message);
  writer.string(3, xid);
  for (const [name, value] of Object.entries(details)) {
    writer.nested(4, value, () => {
      writer.string(1, name);
      writer.string(2, value);
    });
  }
}

/** @throws RangeError when the bytes are no message */
export function decodeServerMessage(bytes: Buffer): ServerMessage {
  const reader = new Reader(bytes);
  const frames: ServerFrame[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) frames.push(reader.inside(readFrame));
    else reader.skip(tag);
  }
  return { frames };
}

/** A frame without a body that is known here has the id alone; whoever gets it knows no such answer. */
function readFrame(reader: Reader): ServerFrame {
  let id = 0;
  let body: ServerBody | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 8:
        id = reader.uint32();
        break;
      case 18:
        body = { body: 'welcome', welcome: reader.inside(readWelcome) };
        break;
      case 26:
        reader.skip(tag);
        body = { body: 'done', done: {} };
        break;
      case 34:
        body = { body: 'branchRegistered', branchRegistered: reader.inside(readBranchRegistered) };
        break;
      case 42:
        body = { body: 'transaction', transaction: reader.inside(readTransaction) };
        break;
      case 50:
        body = { body: 'phaseTwo', phaseTwo: reader.inside(readPhaseTwo) };
        break;
      case 58:
        body = { body: 'failure', failure: reader.inside(readFailure) };
        break;
      default:
        reader.skip(tag);
    }
  }
  const frame = (body ?? {}) as Writing<ServerFrame>;
  frame.id = id;
  return frame;
}

function readWelcome(reader: Reader): Welcome {
  const welcome: Writing<Welcome> = { protocol: 0, coordinatorId: '', maxFrameBytes: 0 };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 8) welcome.protocol = reader.uint32();
    else if (tag === 18) welcome.coordinatorId = reader.string();
    else if (tag === 24) welcome.maxFrameBytes = reader.uint32();
    else reader.skip(tag);
  }
  return welcome;
}

function readBranchRegistered(reader: Reader): BranchRegistered {
  let branchId = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) branchId = reader.string();
    else reader.skip(tag);
  }
  return { branchId };
}

function readTransaction(reader: Reader): Transaction {
  const unset = nameOf(STATUSES, 0) as TransactionStatus;
  const body: Writing<Transaction> = { xid: '', status: unset, reason: '', unfinishedBranches: 0 };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) body.xid = reader.string();
    else if (tag === 16) body.status = nameOf(STATUSES, reader.uint32()) as TransactionStatus;
    else if (tag === 26) body.reason = reader.string();
    else if (tag === 32) body.unfinishedBranches = reader.uint32();
    else reader.skip(tag);
  }
  return body;
}

function readPhaseTwo(reader: Reader): PhaseTwo {
  const body: Writing<PhaseTwo> = {
    xid: '',
    branchId: '',
    resourceId: '',
    kind: '',
    decision: 'COMMIT',
    attempt: 0,
    resolution: 'UNRESOLVED',
    phaseOneDone: false,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 10:
        body.xid = reader.string();
        break;
      case 18:
        body.branchId = reader.string();
        break;
      case 26:
        body.resourceId = reader.string();
        break;
      case 34:
        body.kind = reader.string();
        break;
      case 40:
        body.decision = nameOf(DECISIONS, reader.uint32());
        break;
      case 48:
        body.attempt = reader.uint32();
        break;
      case 56:
        body.resolution = nameOf(RESOLUTIONS, reader.uint32());
        break;
      case 64:
        body.phaseOneDone = reader.bool();
        break;
      default:
        reader.skip(tag);
    }
  }
  return body;
}

function readFailure(reader: Reader): Failure {
  const details: Record<string, string> = {};
  const failure: Writing<Failure> = { code: '', message: '', xid: '', details };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) failure.code = reader.string();
    else if (tag === 18) failure.message = reader.string();
    else if (tag === 26) failure.xid = reader.string();
    else if (tag === 34) {
      const { name, value } = reader.inside(readDetail);
      details[name] = value;
    } else reader.skip(tag);
  }
  return failure;
}

function readDetail(reader: Reader): { name: string; value: string } {
  const detail = { name: '', value: '' };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) detail.name = reader.string();
    else if (tag === 18) detail.value = reader.string();
    else reader.skip(tag);
  }
  return detail;
}
