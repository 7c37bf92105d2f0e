import { runLoad } from './load.js';

// The load of one row, in a process of its own: takes the plan as its argument, prints the result.
process.stdout.write(`${JSON.stringify(await runLoad(JSON.parse(process.argv[2] ?? '{}')))}\n`);
process.exit(0);
