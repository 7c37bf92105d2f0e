import { Injectable } from '@nestjs/common';
import { Column, DataSource, Entity, MoreThanOrEqual, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

@Entity('accounts')
export class Account {
  @PrimaryColumn({ name: 'user_id', type: 'int' })
  userId: number;

  @Column('int')
  balance: number;
}

@Entity('charges')
export class Charge {
  @PrimaryGeneratedColumn()
  id: number;

  @Column({ name: 'order_number', type: 'varchar', length: 36, unique: true })
  orderNumber: string;

  @Column({ name: 'user_id', type: 'int' })
  userId: number;

  @Column('int')
  amount: number;
}

/** Charges users for orders. Called within a global transaction, it takes part in it. */
@Injectable()
export class Accounts {
  readonly #source: DataSource;

  constructor(source: DataSource) {
    this.#source = source;
  }

  /** @returns whether there was money enough; the charge is written in any case */
  charge(charge: Pick<Charge, 'orderNumber' | 'userId' | 'amount'>): Promise<boolean> {
    const { userId, amount } = charge;
    return this.#source.transaction(async (local) => {
      await local.save(Charge, charge);
      const enough = { userId, balance: MoreThanOrEqual(amount) };
      const { affected } = await local.decrement(Account, enough, 'balance', amount);
      return affected === 1;
    });
  }
}
