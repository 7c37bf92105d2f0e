import { GlobalTxError } from '../../protocol/errors.js';
import type { ClientBody } from '../../protocol/frames.js';
import { failureError } from '../connection/client-connection.js';
import type { Outcome } from '../connection/requests.js';
import { retryDelayMs } from '../connection/retry.js';
import type { Logger } from '../logger.js';
import type { Resource, ResourceRegistry } from './resource.js';

const DEFAULT_ENLIST_DEADLINE_MS = 10_000;
/** How long one attempt waits for the coordinator's answer. */
const ANSWER_DEADLINE_MS = 10_000;

/** The part of the connection that enlisting needs. */
export interface EnlistChannel {
  readonly connected: boolean;
  requestOnce(body: ClientBody, deadlineMs: number): Promise<Outcome>;
  withdraw(resourceId: string): void;
}

type Settle = (error: GlobalTxError | undefined) => void;

interface Entry {
  readonly resource: Resource;
  /** Whether the coordinator has accepted it on the present stream. */
  accepted: boolean;
  /** Set when the coordinator does not accept it: the last refusal. */
  refusal: GlobalTxError | undefined;
  failures: number;
  retry: NodeJS.Timeout | undefined;
  readonly waiters: Set<Settle>;
}

/**
 * The resources of this process. Each is enlisted on every new stream; what the coordinator refuses or does
 * not answer is asked for again until it is accepted, replaced or withdrawn.
 */
export class EnlistedResources implements ResourceRegistry {
  readonly #entries = new Map<string, Entry>();
  readonly #channel: EnlistChannel;
  readonly #logger: Logger;
  #closed = false;

  constructor(channel: EnlistChannel, logger: Logger) {
    this.#channel = channel;
    this.#logger = logger;
  }

  find(resourceId: string): Resource | undefined {
    return this.#entries.get(resourceId)?.resource;
  }

  async enlist(resource: Resource, deadlineMs: number = DEFAULT_ENLIST_DEADLINE_MS): Promise<void> {
    if (this.#closed)
      throw new GlobalTxError('CLIENT_CLOSED', 'the client is closed: no resource can be enlisted');
    const error = await this.#enter(resource, deadlineMs);
    // Made where the caller waits, so that the stack shows the caller's frames.
    if (error !== undefined)
      throw new GlobalTxError(error.code, error.message, { details: error.details, cause: error });
  }

  withdraw(resourceId: string): void {
    const entry = this.#entries.get(resourceId);
    if (entry === undefined) return;
    this.#entries.delete(resourceId);
    this.#drop(entry, `the resource '${resourceId}' was withdrawn before the coordinator had accepted it`);
    this.#channel.withdraw(resourceId);
  }

  /** A new stream stands. */
  connected(): void {
    for (const entry of this.#entries.values()) this.#ask(entry);
  }

  disconnected(): void {
    for (const entry of this.#entries.values()) {
      entry.accepted = false;
      clearTimeout(entry.retry);
    }
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) this.#drop(entry, 'the client was closed');
    this.#entries.clear();
  }

  #enter(resource: Resource, deadlineMs: number): Promise<GlobalTxError | undefined> {
    const id = resource.identity.resourceId;
    const earlier = this.#entries.get(id);
    const entry: Entry = {
      resource,
      accepted: earlier?.accepted === true && sameIdentity(earlier.resource, resource),
      refusal: undefined,
      failures: 0,
      retry: undefined,
      waiters: new Set(),
    };
    this.#entries.set(id, entry);
    // Whoever waited for the earlier one waits for its successor now.
    if (earlier !== undefined) {
      clearTimeout(earlier.retry);
      if (earlier.resource !== entry.resource) earlier.resource.close?.();
      for (const settle of earlier.waiters) entry.waiters.add(settle);
      earlier.waiters.clear();
    }
    const settled = this.#wait(entry, deadlineMs);
    if (entry.accepted) this.#settle(entry, undefined);
    else if (this.#channel.connected) this.#ask(entry);
    return settled;
  }

  #wait(entry: Entry, deadlineMs: number): Promise<GlobalTxError | undefined> {
    return new Promise((resolve) => {
      const settle: Settle = (error) => {
        clearTimeout(timer);
        resolve(error);
      };
      const timer = setTimeout(() => {
        entry.waiters.delete(settle);
        this.#entries.get(entry.resource.identity.resourceId)?.waiters.delete(settle);
        resolve(notEnlisted(entry, deadlineMs));
      }, deadlineMs);
      entry.waiters.add(settle);
    });
  }

  #settle(entry: Entry, error: GlobalTxError | undefined): void {
    for (const settle of entry.waiters) settle(error);
    entry.waiters.clear();
  }

  #drop(entry: Entry, message: string): void {
    clearTimeout(entry.retry);
    entry.resource.close?.();
    this.#settle(entry, new GlobalTxError('CLIENT_CLOSED', message));
  }

  #ask(entry: Entry): void {
    const body: ClientBody = { body: 'enlistResource', enlistResource: entry.resource.identity };
    void this.#channel
      .requestOnce(body, ANSWER_DEADLINE_MS)
      .then((outcome) => this.#answered(entry, outcome));
  }

  #answered(entry: Entry, outcome: Outcome): void {
    if (this.#entries.get(entry.resource.identity.resourceId) !== entry) return;
    switch (outcome.kind) {
      case 'answer':
        entry.accepted = true;
        entry.failures = 0;
        entry.refusal = undefined;
        this.#settle(entry, undefined);
        break;
      case 'failure':
        entry.refusal = failureError(outcome.failure);
        this.#settle(entry, entry.refusal);
        this.#askAgain(entry);
        break;
      case 'deadline':
        this.#askAgain(entry);
        break;
      case 'link lost':
      case 'closed':
        // The next stream, if there is one, asks for all resources.
        break;
    }
  }

  #askAgain(entry: Entry): void {
    entry.failures += 1;
    const delayMs = retryDelayMs(entry.failures);
    const facts = {
      resource: entry.resource.identity,
      error: entry.refusal,
      attempt: entry.failures,
      delayMs,
    };
    if (entry.failures === 1)
      this.#logger.warn(facts, 'the coordinator does not accept a resource; asking again');
    else this.#logger.debug(facts, 'the coordinator still does not accept a resource');
    clearTimeout(entry.retry);
    entry.retry = setTimeout(() => {
      if (this.#channel.connected) this.#ask(entry);
    }, delayMs).unref();
  }
}

function sameIdentity(one: Resource, other: Resource): boolean {
  const a = one.identity;
  const b = other.identity;
  return a.kind === b.kind && a.serverId === b.serverId && a.label === b.label;
}

function notEnlisted(entry: Entry, deadlineMs: number): GlobalTxError {
  const { label } = entry.resource.identity;
  return new GlobalTxError(
    'COORDINATOR_UNAVAILABLE',
    `the coordinator has not accepted the resource ${label} within ${deadlineMs} ms; it is asked again in the background`,
    { cause: entry.refusal },
  );
}
