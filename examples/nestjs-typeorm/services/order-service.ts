import 'reflect-metadata';
import { Body, ConflictException, Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import mysql from 'globaltx/mysql2';
import { GlobalTxModule } from 'globaltx/nest';
import { Order, Orders } from './orders.js';

const { PORT, DATABASE_URL } = process.env;

@Controller()
class OrderController {
  readonly #orders: Orders;

  constructor(orders: Orders) {
    this.#orders = orders;
  }

  @Get('health')
  health() {
    return { up: true };
  }

  @Post('orders')
  async place(@Body() order: Order) {
    try {
      await this.#orders.place(order);
      return { result: 'committed' };
    } catch (error) {
      throw new ConflictException({ result: 'rolled back', reason: (error as Error).message });
    }
  }
}

@Module({
  imports: [
    GlobalTxModule.forRoot({ application: 'order-service' }),
    TypeOrmModule.forRoot({ type: 'mysql', driver: mysql, url: DATABASE_URL!, entities: [Order] }),
    TypeOrmModule.forFeature([Order]),
  ],
  controllers: [OrderController],
  providers: [Orders],
})
class OrderModule {}

const app = await NestFactory.create(OrderModule, { logger: ['warn', 'error'] });
await app.listen(Number(PORT), '127.0.0.1');
