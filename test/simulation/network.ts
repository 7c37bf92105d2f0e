import type { ClientBody } from '../../src/protocol/frames.js';
import type { Dice } from './dice.js';
import type { Options } from './plan.js';
import type { Scheduler } from './scheduler.js';

/** One stream: two directions, each of which may lose, repeat, delay and reorder while there are faults. */
export class Stream {
  readonly session: number;
  isOpen = true;
  readonly #scheduler: Scheduler;
  readonly #dice: Dice;
  readonly #options: Options;
  readonly #last = { up: 0, down: 0 };

  constructor(session: number, scheduler: Scheduler, dice: Dice, options: Options) {
    this.session = session;
    this.#scheduler = scheduler;
    this.#dice = dice;
    this.#options = options;
  }

  /** Carries something over, or not, or more than once. */
  carry(direction: 'up' | 'down', arrive: () => void): void {
    const { lost, twice, late, faultsMs } = this.#options;
    const scheduler = this.#scheduler;
    const dice = this.#dice;
    const isFaulty = scheduler.time < faultsMs;
    const arriveIfOpen = () => {
      if (this.isOpen) arrive();
    };
    if (isFaulty && dice.chance(lost)) return;
    if (isFaulty && dice.chance(late)) {
      scheduler.after(dice.between(1, 4_000), arriveIfOpen);
    } else {
      const at = Math.max(this.#last[direction], scheduler.time + dice.between(1, 5));
      this.#last[direction] = at;
      scheduler.after(at - scheduler.time, arriveIfOpen);
    }
    if (isFaulty && dice.chance(twice)) scheduler.after(dice.between(1, 2_000), arriveIfOpen);
  }
}

export interface Upstream {
  readonly id: number;
  readonly body: ClientBody;
}
