import { play } from '../pair/play.js';

await play({
  name: 'NestJS and TypeORM',
  orderService: new URL('./services/order-service.js', import.meta.url),
  accountService: new URL('./services/account-service.js', import.meta.url),
});
