import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { GlobalTransactional } from 'globaltx';
import { Column, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';

@Entity('orders')
export class Order {
  @PrimaryGeneratedColumn()
  id: number;

  @Column({ type: 'varchar', length: 36, unique: true })
  number: string;

  @Column({ name: 'user_id', type: 'int' })
  userId: number;

  @Column('int')
  amount: number;

  @Column({ type: 'varchar', length: 10 })
  status: string;
}

/** Takes orders. What it writes, and what the account service writes for it, is committed or rolled back as one. */
@Injectable()
export class Orders {
  readonly #orders: Repository<Order>;

  constructor(@InjectRepository(Order) orders: Repository<Order>) {
    this.#orders = orders;
  }

  @GlobalTransactional({ name: 'place-order' })
  async place({ number, userId, amount }: Pick<Order, 'number' | 'userId' | 'amount'>): Promise<void> {
    const order = await this.#orders.save({ number, userId, amount, status: 'new' });
    await this.#charge(order);
    await this.#orders.save({ ...order, status: 'paid' });
  }

  /** fetch carries the transaction along. */
  async #charge(order: Order): Promise<void> {
    const response = await fetch(`${process.env.ACCOUNT_URL}/charges`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(order),
    });
    // fetch does not throw when the answer is a refusal, and what does not throw is committed.
    if (!response.ok) throw new Error(`the account service answered ${response.status}`);
  }
}
