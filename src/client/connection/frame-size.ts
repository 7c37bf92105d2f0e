import type { ClientBody, ClientFrame, LockSet } from '../../protocol/frames.js';

/** Tags, lengths and numbers of a frame beside its texts. */
const OVERHEAD_BYTES = 128;
/** UTF-8 needs at most three bytes for one UTF-16 unit. */
const BYTES_PER_UNIT = 3;

function textBytes(...texts: readonly string[]): number {
  let units = 0;
  for (const text of texts) units += text.length;
  return units * BYTES_PER_UNIT;
}

function lockBytes(locks: readonly LockSet[]): number {
  let bytes = 0;
  for (const set of locks) {
    bytes += 32 + textBytes(set.resourceId, set.table);
    // Lock keys are escaped to ASCII (src/protocol/lock-key.ts); each has a tag and a length before it.
    for (const key of set.keys) bytes += key.length + 4;
  }
  return bytes;
}

function bodyBytes(body: ClientBody): number {
  switch (body.body) {
    case 'hello':
      return textBytes(body.hello.clientId, body.hello.application, body.hello.library);
    case 'enlistResource': {
      const { resourceId, kind, serverId, label } = body.enlistResource;
      return textBytes(resourceId, kind, serverId, label);
    }
    case 'withdrawResource':
      return textBytes(body.withdrawResource.resourceId);
    case 'begin':
      return textBytes(body.begin.xid, body.begin.name);
    case 'registerBranch': {
      const { xid, begin, requestId, resourceId, kind, branchId, locks } = body.registerBranch;
      const began = begin === null ? 0 : OVERHEAD_BYTES + textBytes(begin.xid, begin.name);
      return began + textBytes(xid, requestId, resourceId, kind, branchId) + lockBytes(locks);
    }
    case 'reportBranch':
      return textBytes(body.reportBranch.xid, body.reportBranch.branchId);
    case 'commit':
      return textBytes(body.commit.xid);
    case 'rollback':
      return textBytes(body.rollback.xid, body.rollback.reason);
    case 'getTransaction':
      return textBytes(body.getTransaction.xid);
    case 'phaseTwoResult': {
      const { xid, branchId, code, detail } = body.phaseTwoResult;
      return textBytes(xid, branchId, code, detail);
    }
  }
}

/** An upper bound of a frame's size on the wire, in bytes, without encoding it. */
export function frameBytes(body: ClientBody): number {
  return OVERHEAD_BYTES + bodyBytes(body);
}

/**
 * Cuts what is waiting into messages of at most `limitBytes`, in order; a single frame that is larger
 * travels alone.
 */
export function intoMessages(frames: readonly ClientFrame[], limitBytes: number): ClientFrame[][] {
  const messages: ClientFrame[][] = [];
  let message: ClientFrame[] = [];
  let bytes = 0;
  for (const frame of frames) {
    const size = frameBytes(frame);
    if (message.length > 0 && bytes + size > limitBytes) {
      messages.push(message);
      message = [];
      bytes = 0;
    }
    message.push(frame);
    bytes += size;
  }
  if (message.length > 0) messages.push(message);
  return messages;
}
