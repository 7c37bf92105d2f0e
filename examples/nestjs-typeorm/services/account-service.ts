import 'reflect-metadata';
import { Body, Controller, Get, HttpException, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import mysql from 'globaltx/mysql2';
import { GlobalTxModule } from 'globaltx/nest';
import { Account, Accounts, Charge } from './accounts.js';

const { PORT, DATABASE_URL } = process.env;

interface ChargeRequest {
  readonly number: string;
  readonly userId: number;
  readonly amount: number;
}

@Controller()
class AccountController {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Get('health')
  health() {
    return { up: true };
  }

  @Post('charges')
  async charge(@Body() { number: orderNumber, userId, amount }: ChargeRequest) {
    const paid = await this.#accounts.charge({ orderNumber, userId, amount });
    // The charge is committed here already; it goes when the order service, which hears of this, rolls back.
    if (!paid) throw new HttpException({ refused: 'no money' }, 402);
    return { charged: amount };
  }
}

@Module({
  imports: [
    GlobalTxModule.forRoot({ application: 'account-service' }),
    TypeOrmModule.forRoot({ type: 'mysql', driver: mysql, url: DATABASE_URL!, entities: [Account, Charge] }),
  ],
  controllers: [AccountController],
  providers: [Accounts],
})
class AccountModule {}

const app = await NestFactory.create(AccountModule, { logger: ['warn', 'error'] });
await app.listen(Number(PORT), '127.0.0.1');
