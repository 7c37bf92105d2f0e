import { parseArgs } from 'node:util';
import { setupSql } from '../at/resource/identity.js';
import { type Command, DONE, type Output, WRONG_USE } from './command.js';

const HELP = `usage: globaltx undo-log --ddl [--schema NAME]

Prints the CREATE TABLE statements of the two tables that globaltx needs in every database that takes part, and the
INSERT that names the database. They are made on first need where the account of the application may do so; where it
may not, run these:

  globaltx undo-log --ddl | mysql --user=admin DATABASE

  --ddl           print the statements
  --schema NAME   qualify the tables with this schema; default: the one that the session uses
  -h, --help      this text
`;

function run(args: readonly string[], output: Output): number {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ddl: { type: 'boolean' },
      schema: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    output.out(HELP);
    return DONE;
  }
  if (!values.ddl) {
    output.error(HELP);
    return WRONG_USE;
  }
  output.out(`${setupSql(values.schema)}\n`);
  return DONE;
}

export const undoLog: Command = {
  name: 'undo-log',
  summary: 'print the tables that a database needs',
  help: HELP,
  run,
};
