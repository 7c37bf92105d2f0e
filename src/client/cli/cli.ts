import { readFileSync } from 'node:fs';
import { type Command, DONE, FAILED, type Output, WRONG_USE } from './command.js';
import { explain } from './explain.js';
import { resolve, retry, rollback } from './orders.js';
import { show } from './show.js';
import { status } from './status.js';
import { undoLog } from './undo-log.js';

const COMMANDS: readonly Command[] = [status, show, retry, rollback, resolve, explain, undoLog];

function help(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const list = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}   ${summary}`).join('\n');
  return `usage: globaltx COMMAND [OPTION...]

${list}

  globaltx COMMAND --help   what it does and takes
  globaltx --version        the version of this package
`;
}

/** The package's own package.json, from dist/src/client/cli/. */
function version(): string {
  const file = new URL('../../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Errors of util.parseArgs: the arguments are wrong, not the work. */
function isWrongUse(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

/** Runs one command line; the arguments are those after `globaltx`. Resolves with the exit status. */
export async function cli(args: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h') {
    output.out(help());
    return DONE;
  }
  if (name === '--version') {
    output.out(`${version()}\n`);
    return DONE;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    output.error(name === undefined ? help() : `globaltx: there is no command '${name}'\n\n${help()}`);
    return WRONG_USE;
  }
  try {
    return await command.run(rest, output);
  } catch (error) {
    if (!isWrongUse(error)) {
      output.error(`globaltx ${command.name}: ${error instanceof Error ? error.message : String(error)}\n`);
      return FAILED;
    }
    output.error(`globaltx ${command.name}: ${error.message}\n\n${command.help}`);
    return WRONG_USE;
  }
}
