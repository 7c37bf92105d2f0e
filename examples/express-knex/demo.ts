import { play } from '../pair/play.js';

await play({
  name: 'Express and Knex',
  orderService: new URL('./order-service.js', import.meta.url),
  accountService: new URL('./account-service.js', import.meta.url),
});
