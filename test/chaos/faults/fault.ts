import type { Dice } from '../../simulation/dice.js';
import type { Bank } from '../bank/bank.js';

/** Something that goes wrong while the bank is at work. */
export interface Fault {
  readonly name: string;
  /** Makes it happen; resolves once what was taken away is back. */
  inject(bank: Bank, dice: Dice): Promise<void>;
}
