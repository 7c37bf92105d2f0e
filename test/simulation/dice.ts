import { randomFrom } from '../../src/server/core/random.js';

/** Random choices from a seed. A name gives a stream of its own, so that one part's choices don't shift another's. */
export class Dice {
  readonly #seed: number;
  readonly #next: () => number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#next = randomFrom(this.#seed);
  }

  stream(name: string): Dice {
    let hash = this.#seed ^ 0x811c9dc5;
    for (let index = 0; index < name.length; index++) {
      hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
    }
    return new Dice(hash ^ (hash >>> 13));
  }

  /** From 0 to `below` - 1. */
  under(below: number): number {
    return Math.floor(this.#next() * below);
  }

  between(least: number, most: number): number {
    return least + this.under(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.under(items.length)]!;
  }

  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items];
    return Array.from(
      { length: Math.min(count, left.length) },
      () => left.splice(this.under(left.length), 1)[0]!,
    );
  }
}
