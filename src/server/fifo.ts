/** More taken items than this, and more than are left: then the room is given back. */
const WORTH_WHILE = 1_024;

/**
 * First in, first out. A Map or Set whose first entries are deleted again and again keeps their places for a long time,
 * and whoever asks for the first has to pass all of them.
 */
export class Fifo<Item> {
  #items: Item[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): Item | undefined {
    return this.#items[this.#head];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Takes the first one out. */
  shift(): Item | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head += 1;
    if (this.#head > WORTH_WHILE && this.#head > this.size) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}
