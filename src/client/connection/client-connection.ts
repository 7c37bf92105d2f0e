import { MAX_MESSAGE_BYTES } from '../../protocol/contract.js';
import { isErrorCode } from '../../protocol/error-codes.js';
import { GlobalTxError } from '../../protocol/errors.js';
import type {
  ClientBody,
  Failure,
  Hello,
  PhaseTwo,
  PhaseTwoResult,
  ReportBranch,
  ServerBody,
  ServerFrame,
  Transaction,
  TransactionStatus,
  Welcome,
} from '../../protocol/frames.js';
import type { Logger } from '../logger.js';
import type { Answers, Coordinator, RequestBody, RequestName } from './coordinator.js';
import { frameBytes } from './frame-size.js';
import type { Link } from './link.js';
import { Reconnect } from './reconnect.js';
import { Reports } from './reports.js';
import { type Outcome, Requests } from './requests.js';

const ANSWER_OF: { readonly [Name in RequestName]: ServerBody['body'] } = {
  begin: 'done',
  enlistResource: 'done',
  registerBranch: 'branchRegistered',
  commit: 'transaction',
  rollback: 'transaction',
  getTransaction: 'transaction',
};

/** The part of the client that resources belong to, as the connection sees it. */
export interface StreamListener {
  /** A new stream stands: enlist. What is sent now goes before reports and requests. */
  connected(): void;
  disconnected(): void;
  phaseTwo(pushes: readonly PhaseTwo[]): void;
}

function isDecided(status: TransactionStatus): boolean {
  switch (status) {
    case 'COMMITTING':
    case 'COMMITTED':
    case 'ROLLING_BACK':
    case 'ROLLED_BACK':
    case 'NEEDS_ATTENTION':
      return true;
    case 'ACTIVE':
    case 'NOT_FOUND':
      return false;
  }
}

/** The client's connection to the coordinator: one stream at a time, made again for as long as it isn't closed. */
export class ClientConnection implements Coordinator {
  readonly #requests = new Requests();
  readonly #reports = new Reports();
  readonly #logger: Logger;
  readonly #reconnect: Reconnect;
  #listener: StreamListener | undefined;
  #link: Link | undefined;
  #frameLimit = MAX_MESSAGE_BYTES;
  #closed = false;

  constructor(addresses: readonly [string, ...string[]], hello: Omit<Hello, 'protocol'>, logger: Logger) {
    this.#logger = logger;
    this.#reconnect = new Reconnect(addresses, hello, logger, {
      opened: (link, welcome) => this.#opened(link, welcome),
      received: (frames) => this.#received(frames),
      lost: () => this.#lost(),
    });
  }

  /** Begins to connect; it goes on until `close`. */
  start(listener: StreamListener): void {
    this.#listener = listener;
    this.#reconnect.start();
  }

  get connected(): boolean {
    return this.#link !== undefined;
  }

  /**
   * Resolves once the coordinator has welcomed this client.
   * @throws GlobalTxError COORDINATOR_UNAVAILABLE after `timeoutMs`, PROTOCOL_MISMATCH, CLIENT_CLOSED
   */
  async ready(timeoutMs: number): Promise<void> {
    const outcome = await this.#reconnect.firstWelcome(timeoutMs);
    if (outcome === 'welcome') return;
    if (outcome === 'closed') throw this.#closedError(undefined);
    if (outcome === 'mismatch') {
      throw new GlobalTxError(
        'PROTOCOL_MISMATCH',
        `the coordinator refused this client; ${this.#reconnect.tried()}`,
      );
    }
    throw new GlobalTxError(
      'COORDINATOR_UNAVAILABLE',
      `the coordinator could not be reached within ${timeoutMs} ms; ${this.#reconnect.tried()}. Is it running, and is the address right?`,
    );
  }

  async request<Name extends RequestName>(
    body: RequestBody<Name>,
    deadlineMs: number,
  ): Promise<Answers[Name]> {
    const outcome = await this.#send(body, deadlineMs, true);
    const name = (body as ClientBody).body as Name;
    const xid = xidOf(body);
    switch (outcome.kind) {
      case 'answer':
        if (outcome.body.body === ANSWER_OF[name]) return outcome.body as Answers[Name];
        throw new GlobalTxError('INTERNAL', `the coordinator answered ${name} with ${outcome.body.body}`, {
          xid,
        });
      case 'failure':
        throw failureError(outcome.failure, xid);
      case 'deadline':
      case 'link lost':
        throw new GlobalTxError(
          'COORDINATOR_UNAVAILABLE',
          `no answer to ${name} within ${deadlineMs} ms; ${this.#reconnect.tried()}`,
          { xid },
        );
      case 'closed':
        throw this.#closedError(xid);
    }
  }

  /** A request that belongs to the present stream: when that breaks, it is over. */
  requestOnce(body: ClientBody, deadlineMs: number): Promise<Outcome> {
    return this.#send(body, deadlineMs, false);
  }

  report(report: ReportBranch): void {
    this.#reports.add(report);
    this.#link?.send({ body: 'reportBranch', reportBranch: report }, 0);
  }

  /** Tells that a resource is gone; a stream that is made later will not know of it anyway. */
  withdraw(resourceId: string): void {
    this.#link?.send({ body: 'withdrawResource', withdrawResource: { resourceId } }, 0);
  }

  /** Without a stream the answer is dropped: the coordinator sends phase two again to whoever has the resource. */
  answerPhaseTwo(result: PhaseTwoResult): void {
    this.#link?.send({ body: 'phaseTwoResult', phaseTwoResult: result }, 0);
  }

  /** Ends the stream after what is waiting has been sent. What has no answer yet gets CLIENT_CLOSED. */
  async close(flushMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const link = this.#link;
    this.#reconnect.stop();
    await link?.finish(flushMs);
    this.#requests.settleAll({ kind: 'closed' });
  }

  #send(body: ClientBody, deadlineMs: number, lasting: boolean): Promise<Outcome> {
    if (this.#closed) return Promise.resolve({ kind: 'closed' });
    const bytes = frameBytes(body);
    if (bytes > this.#frameLimit)
      return Promise.resolve({ kind: 'failure', failure: tooLarge(body, bytes, this.#frameLimit) });
    const { id, outcome } = this.#requests.add(body, deadlineMs, lasting);
    this.#link?.send(body, id);
    return outcome;
  }

  #opened(link: Link, welcome: Welcome): void {
    this.#link = link;
    this.#frameLimit = Math.min(MAX_MESSAGE_BYTES, welcome.maxFrameBytes || MAX_MESSAGE_BYTES);
    this.#listener?.connected();
    for (const report of this.#reports.all()) link.send({ body: 'reportBranch', reportBranch: report }, 0);
    for (const { id, body } of this.#requests.lasting()) link.send(body, id);
  }

  #lost(): void {
    this.#link = undefined;
    this.#requests.linkLost();
    this.#listener?.disconnected();
  }

  #received(frames: readonly ServerFrame[]): void {
    const pushes: PhaseTwo[] = [];
    for (const frame of frames) {
      if (frame.body === 'phaseTwo') {
        this.#reports.branchDecided(frame.phaseTwo.xid, frame.phaseTwo.branchId);
        pushes.push(frame.phaseTwo);
      } else if (frame.id === 0) {
        this.#unasked(frame);
      } else {
        this.#answered(frame);
      }
    }
    if (pushes.length > 0) this.#listener?.phaseTwo(pushes);
  }

  #answered(frame: ServerFrame): void {
    if (frame.body === 'transaction') this.#learn(frame.transaction);
    const known =
      frame.body === 'failure'
        ? this.#requests.settle(frame.id, { kind: 'failure', failure: frame.failure })
        : this.#requests.settle(frame.id, { kind: 'answer', body: frame });
    // An answer to a request that was sent twice, or whose deadline is over, has nobody to go to.
    if (!known)
      this.#logger.debug({ id: frame.id, body: frame.body }, 'an answer came that nobody waits for');
  }

  #learn(transaction: Transaction): void {
    if (isDecided(transaction.status)) this.#reports.transactionDecided(transaction.xid);
  }

  #unasked(frame: ServerFrame): void {
    if (frame.body === 'failure') {
      this.#link?.noteFailure(frame.failure);
      this.#logger.warn({ ...frame.failure }, `the coordinator complains: ${frame.failure.message}`);
    } else {
      this.#logger.warn({ body: frame.body }, 'the coordinator sent a frame that was not asked for');
    }
  }

  #closedError(xid: string | undefined): GlobalTxError {
    return new GlobalTxError('CLIENT_CLOSED', 'the client was closed before the coordinator had answered', {
      xid,
    });
  }
}

function xidOf(body: ClientBody): string | undefined {
  switch (body.body) {
    case 'begin':
      return body.begin.xid;
    case 'registerBranch':
      return body.registerBranch.xid;
    case 'reportBranch':
      return body.reportBranch.xid;
    case 'commit':
      return body.commit.xid;
    case 'rollback':
      return body.rollback.xid;
    case 'getTransaction':
      return body.getTransaction.xid;
    case 'phaseTwoResult':
      return body.phaseTwoResult.xid;
    case 'hello':
    case 'enlistResource':
    case 'withdrawResource':
      return undefined;
  }
}

function tooLarge(body: ClientBody, bytes: number, limit: number): Failure {
  return {
    code: 'RESOURCE_EXHAUSTED',
    message: `a ${body.body} of about ${bytes} bytes is larger than the ${limit} bytes that the coordinator takes; touch fewer rows in one branch`,
    xid: xidOf(body) ?? '',
    details: { limit: 'max_frame_bytes' },
  };
}

/** The error that a Failure frame stands for. */
export function failureError(failure: Failure, xid?: string): GlobalTxError {
  const known = isErrorCode(failure.code);
  return new GlobalTxError(
    known ? failure.code : 'INTERNAL',
    known ? failure.message : `${failure.code}: ${failure.message}`,
    { xid: failure.xid || xid, details: failure.details },
  );
}
