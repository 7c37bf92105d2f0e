/** The examples by name; each ends the process by itself. */
const EXAMPLES: Readonly<Record<string, () => Promise<unknown>>> = {
  plain: () => import('./plain/demo.js'),
  'express-knex': () => import('./express-knex/demo.js'),
  'fastify-drizzle': () => import('./fastify-drizzle/demo.js'),
  'nestjs-typeorm': () => import('./nestjs-typeorm/demo.js'),
};

const start = EXAMPLES[process.argv[2] ?? ''];
if (start === undefined) {
  process.stderr.write(`usage: npm run example NAME

Starts two database servers, a coordinator and the services of an example, and plays it.
NAME is one of: ${Object.keys(EXAMPLES).join(', ')}. The shop with its crashes is 'npm run demo'.
`);
  process.exit(2);
}
await start();
