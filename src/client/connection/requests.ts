import type { ClientBody, Failure, ServerBody } from '../../protocol/frames.js';

/** What became of a request. Never a rejection: who asked makes the error, so that its stack shows the caller. */
export type Outcome =
  | { readonly kind: 'answer'; readonly body: ServerBody }
  | { readonly kind: 'failure'; readonly failure: Failure }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'link lost' }
  | { readonly kind: 'closed' };

interface Pending {
  readonly body: ClientBody;
  /** Whether it outlives the stream that it was sent on. */
  readonly lasting: boolean;
  readonly timer: NodeJS.Timeout;
  settle(outcome: Outcome): void;
}

const LARGEST_ID = 0xffff_ffff;
/** A timer that is set to more fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The requests that have no answer yet, oldest first, by correlation id. */
export class Requests {
  readonly #pending = new Map<number, Pending>();
  #lastId = 1;

  get size(): number {
    return this.#pending.size;
  }

  /** Adds a request; its deadline keeps the process alive until it is settled. */
  add(body: ClientBody, deadlineMs: number, lasting: boolean): { id: number; outcome: Promise<Outcome> } {
    const id = this.#nextId();
    const outcome = new Promise<Outcome>((resolve) => {
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        this.#pending.delete(id);
        resolve(outcome);
      };
      const timer = setTimeout(() => settle({ kind: 'deadline' }), Math.min(deadlineMs, LONGEST_TIMER_MS));
      this.#pending.set(id, { body, lasting, timer, settle });
    });
    return { id, outcome };
  }

  /** @returns false when nobody waits for this answer (any more) */
  settle(id: number, outcome: Outcome): boolean {
    const pending = this.#pending.get(id);
    pending?.settle(outcome);
    return pending !== undefined;
  }

  /** The stream is gone: what belongs to it alone is settled, the rest waits for the next one. */
  linkLost(): void {
    for (const pending of [...this.#pending.values()]) {
      if (!pending.lasting) pending.settle({ kind: 'link lost' });
    }
  }

  settleAll(outcome: Outcome): void {
    for (const pending of [...this.#pending.values()]) pending.settle(outcome);
  }

  /** What must be sent again on a new stream, in the order in which it was first sent. */
  *lasting(): Iterable<{ id: number; body: ClientBody }> {
    for (const [id, { body, lasting }] of this.#pending) if (lasting) yield { id, body };
  }

  /** Ids are 32 bits on the wire. 0 means "no answer", 1 is the hello of every stream. */
  #nextId(): number {
    do this.#lastId = this.#lastId === LARGEST_ID ? 2 : this.#lastId + 1;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}
