import { play } from '../pair/play.js';

await play({
  name: 'Fastify and Drizzle',
  orderService: new URL('./order-service.js', import.meta.url),
  accountService: new URL('./account-service.js', import.meta.url),
});
