#!/usr/bin/env node
import { cli } from './cli.js';
import { confirm } from './confirm.js';

process.exitCode = await cli(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
  ...(process.stdin.isTTY ? { confirm } : {}),
});
