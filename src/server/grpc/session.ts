import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type {
  ClientBody,
  ClientMessage,
  ServerBody,
  ServerFrame,
  ServerMessage,
} from '../../protocol/frames.js';
import type { SessionId } from '../core/events.js';
import { bodyToTake, problemOf } from './validate-frame.js';

export type ClientStream = ServerDuplexStream<ClientMessage, ServerMessage>;

/** Where a session's frames go. */
export interface SessionOwner {
  received(session: SessionId, id: number, body: ClientBody): void;
  /** The client broke the contract: `end` is to be called once everything before has been answered. */
  broke(session: SessionId, code: string, message: string): void;
  /** The last call of a session; nothing can be sent any more. */
  ended(session: SessionId): void;
  /** Whether to stop reading for now; the owner then calls `resume` when there is room again. */
  pauseWhenFull(): boolean;
  /** Somebody is cut off or refused. */
  refused(session: SessionId, code: string, message: string): void;
}

export interface SessionLimits {
  /** What may wait for a client that does not read, in bytes (estimated). */
  readonly sendBufferBytes: number;
  /** How long a stream may stay without its first frame, in milliseconds. */
  readonly helloTimeoutMs: number;
}

/** Frames travel together up to about so many bytes a message, so that none comes near the wire's limit. */
const MESSAGE_BYTES = 1024 * 1024;
/** What a frame takes beside its texts. */
const FRAME_BYTES = 64;

/** One client's stream. */
export class Session {
  readonly id: SessionId;
  readonly peer: string;
  readonly #call: ClientStream;
  readonly #owner: SessionOwner;
  readonly #limits: SessionLimits;
  readonly #helloTimer: NodeJS.Timeout;
  #waiting: ServerFrame[] = [];
  #waitingBytes = 0;
  #turn = false;
  #writing = false;
  /** Set when the stream is to end once everything before has been written. */
  #last: { readonly code: status; readonly details: string } | undefined;
  #broken = false;
  #statusSent = false;
  #over = false;

  constructor(id: SessionId, call: ClientStream, owner: SessionOwner, limits: SessionLimits) {
    this.id = id;
    this.peer = call.getPeer();
    this.#call = call;
    this.#owner = owner;
    this.#limits = limits;
    this.#helloTimer = setTimeout(
      () => this.end('MALFORMED_FRAME', `No hello came within ${limits.helloTimeoutMs} ms.`),
      limits.helloTimeoutMs,
    );
    call.on('data', (message: ClientMessage) => this.#take(message));
    call.on('end', () => this.#close());
    call.on('cancelled', () => this.#close());
    call.on('close', () => this.#close());
    // grpc-js answers an error on the stream with its status; beyond that the session is over like any other.
    call.on('error', () => this.#close());
  }

  send(id: number, body: ServerBody): void {
    if (this.#over || this.#last !== undefined) return;
    const frame: ServerFrame = { ...body, id };
    this.#waiting.push(frame);
    this.#waitingBytes += sizeOf(frame);
    if (this.#waitingBytes > this.#limits.sendBufferBytes) {
      this.#cutOff();
      return;
    }
    this.#scheduleTurn();
  }

  /** Says why, then ends the stream; what was sent before still arrives. */
  end(code: string, message: string): void {
    if (this.#over || this.#last !== undefined) return;
    this.#owner.refused(this.id, code, message);
    this.send(0, { body: 'failure', failure: { code, message, xid: '', details: {} } });
    this.#finishWith(statusOf(code), `${code}: ${message}`);
  }

  /** Ends the stream because the coordinator stops. */
  goAway(): void {
    if (this.#over || this.#last !== undefined) return;
    this.#finishWith(status.UNAVAILABLE, 'COORDINATOR_UNAVAILABLE: The coordinator is shutting down.');
  }

  resume(): void {
    if (!this.#over) this.#call.resume();
  }

  #take({ frames, unreadable }: ClientMessage): void {
    if (unreadable !== undefined) this.#break(`The bytes are no message: ${unreadable}.`);
    for (const frame of frames) {
      if (this.#over || this.#broken || this.#last !== undefined) return;
      const problem = problemOf(frame);
      if (problem !== undefined) {
        this.#break(problem);
        return;
      }
      if (frame.body === 'hello') clearTimeout(this.#helloTimer);
      this.#owner.received(this.id, frame.id, bodyToTake(frame));
    }
    if (this.#owner.pauseWhenFull()) this.#call.pause();
  }

  #break(problem: string): void {
    if (this.#over || this.#broken || this.#last !== undefined) return;
    this.#broken = true;
    this.#owner.broke(this.id, 'MALFORMED_FRAME', problem);
  }

  /** Behind what is being carried out now: what became durable by one write of the store is sent in one go, and shares a message. */
  #scheduleTurn(): void {
    if (this.#turn || this.#writing) return;
    this.#turn = true;
    queueMicrotask(() => {
      this.#turn = false;
      this.#write();
    });
  }

  /** One message at a time is with gRPC: what a slow reader leaves waiting stays here, where it is counted. */
  #write(): void {
    if (this.#over || this.#writing) return;
    const frames = this.#takeWaiting();
    if (frames.length === 0) {
      if (this.#last !== undefined) this.#sendStatus(this.#last.code, this.#last.details);
      return;
    }
    this.#writing = true;
    this.#call.write({ frames }, () => {
      this.#writing = false;
      this.#write();
    });
  }

  #takeWaiting(): ServerFrame[] {
    if (this.#waitingBytes <= MESSAGE_BYTES) {
      const frames = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      return frames;
    }
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < MESSAGE_BYTES)) {
      bytes += sizeOf(this.#waiting[count]!);
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  #finishWith(code: status, details: string): void {
    this.#last = { code, details };
    this.#call.pause();
    if (!this.#writing) this.#scheduleTurn();
  }

  /** What waits is dropped: the client asks again for all of it on its next stream. */
  #cutOff(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    const { sendBufferBytes } = this.#limits;
    const message = `More than ${sendBufferBytes} bytes (send-buffer-bytes) wait for this client: it does not read fast enough.`;
    this.#owner.refused(this.id, 'RESOURCE_EXHAUSTED', message);
    this.#sendStatus(status.RESOURCE_EXHAUSTED, `RESOURCE_EXHAUSTED: ${message}`);
  }

  #sendStatus(code: status, details: string): void {
    this.#statusSent = true;
    this.#call.emit('error', Object.assign(new Error(details), { code, details }));
  }

  #close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#helloTimer);
    this.#waiting = [];
    if (!this.#statusSent) this.#call.end();
    // What the client still sends is read and dropped, or its end would never be seen.
    this.#call.resume();
    this.#owner.ended(this.id);
  }
}

function statusOf(code: string): status {
  if (code === 'RESOURCE_EXHAUSTED') return status.RESOURCE_EXHAUSTED;
  return code === 'PROTOCOL_MISMATCH' ? status.FAILED_PRECONDITION : status.INVALID_ARGUMENT;
}

/** About how many bytes a frame takes; ids and texts beyond the first level are small or rare. */
function sizeOf(frame: ServerFrame): number {
  switch (frame.body) {
    case 'failure':
      return FRAME_BYTES + frame.failure.message.length + 40 * Object.keys(frame.failure.details).length;
    case 'transaction':
      return FRAME_BYTES + frame.transaction.xid.length + frame.transaction.reason.length;
    case 'phaseTwo':
      return FRAME_BYTES + frame.phaseTwo.xid.length + frame.phaseTwo.resourceId.length;
    case 'welcome':
    case 'done':
    case 'branchRegistered':
      return FRAME_BYTES;
  }
}
