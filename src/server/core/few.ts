const NONE: readonly never[] = [];

/**
 * A set that is nearly always empty. Every transaction has several of them, and an empty Set costs as much to make and
 * to throw away as the rest of a transaction.
 */
export class Few<Item> {
  #items: Set<Item> | undefined;

  get size(): number {
    return this.#items === undefined ? 0 : this.#items.size;
  }

  add(item: Item): void {
    this.#items ??= new Set();
    this.#items.add(item);
  }

  delete(item: Item): void {
    this.#items?.delete(item);
  }

  clear(): void {
    this.#items = undefined;
  }

  [Symbol.iterator](): Iterator<Item> {
    return (this.#items ?? NONE)[Symbol.iterator]();
  }
}
