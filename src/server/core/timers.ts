/** Something that becomes due at a time; `slot` is its place in the heap, -1 once it is out. */
export interface Timer<Due> {
  readonly at: number;
  readonly order: number;
  readonly due: Due;
  slot: number;
}

function before<Due>(a: Timer<Due>, b: Timer<Due>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A binary heap of timers that can be taken out from any place; equal times keep the order of setting. */
export class Timers<Due> {
  readonly #heap: Timer<Due>[] = [];
  #order = 0;

  get next(): number | undefined {
    return this.#heap[0]?.at;
  }

  set(at: number, due: Due): Timer<Due> {
    const timer: Timer<Due> = { at, order: this.#order++, due, slot: this.#heap.length };
    this.#heap.push(timer);
    this.#up(timer);
    return timer;
  }

  cancel(timer: Timer<Due> | undefined): void {
    if (timer === undefined || timer.slot === -1) return;
    const last = this.#heap.pop()!;
    if (last !== timer) {
      this.#place(last, timer.slot);
      this.#up(last);
      this.#down(last);
    }
    timer.slot = -1;
  }

  /** Takes out the earliest timer if it is due at `now`. */
  takeDue(now: number): Timer<Due> | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.cancel(first);
    return first;
  }

  #place(timer: Timer<Due>, slot: number): void {
    this.#heap[slot] = timer;
    timer.slot = slot;
  }

  #up(timer: Timer<Due>): void {
    let slot = timer.slot;
    while (slot > 0) {
      const parent = this.#heap[(slot - 1) >> 1]!;
      if (!before(timer, parent)) break;
      this.#place(parent, slot);
      slot = (slot - 1) >> 1;
    }
    this.#place(timer, slot);
  }

  #down(timer: Timer<Due>): void {
    let slot = timer.slot;
    for (;;) {
      let child = this.#heap[2 * slot + 1];
      const right = this.#heap[2 * slot + 2];
      if (child === undefined) break;
      if (right !== undefined && before(right, child)) child = right;
      if (!before(child, timer)) break;
      const childSlot = child.slot;
      this.#place(child, slot);
      slot = childSlot;
    }
    this.#place(timer, slot);
  }
}
