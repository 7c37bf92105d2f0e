import { parseArgs } from 'node:util';
import { GlobalTxError } from '../../protocol/errors.js';
import { explain as explainText } from '../explain/explain.js';
import type { ExplainedTable, Explanation } from '../explain/explanation.js';
import { type Command, DONE, FAILED, type Output, WRONG_USE } from './command.js';
import { parseDatabaseUrl } from './database-url.js';
import { plain, table } from './text.js';

const SHOWN = 20;

const HELP = `usage: globaltx explain --database URL [OPTION...] "STATEMENT"

Says what globaltx would do with a statement inside a global transaction, without running it: how it is read, the
queries for the before image, the rows that it would touch with their lock keys, the statements that would undo it, or
why it is refused. The rows are read and locked for a moment in a local transaction that is rolled back.

  --database URL  mysql://USER:PASSWORD@HOST:PORT/DATABASE. The password can stand in GLOBALTX_DATABASE_PASSWORD
                  instead
  --values JSON   values of its placeholders, as an array: '[2, "tea"]'
  --limit N       show at most so many rows and statements; default: ${SHOWN}, with --json all
  --json          one JSON array with an object for each statement of the text, for programs
  -h, --help      this text

The exit status is 1 when a statement would be refused.
`;

const OPTIONS = {
  database: { type: 'string' },
  values: { type: 'string', default: '[]' },
  limit: { type: 'string', default: String(SHOWN) },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parseValues(text: string): readonly unknown[] {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw new GlobalTxError('INVALID_OPTION', `--values is no JSON: ${String(error)}`, { cause: error });
  }
  if (!Array.isArray(values))
    throw new GlobalTxError('INVALID_OPTION', '--values is written as a JSON array');
  return values;
}

async function run(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (values.help) {
    output.out(HELP);
    return DONE;
  }
  const [statement, ...others] = positionals;
  const limit = Number(values.limit);
  if (values.database === undefined || statement === undefined || others.length > 0 || Number.isNaN(limit)) {
    output.error(HELP);
    return WRONG_USE;
  }
  const { options } = parseDatabaseUrl(values.database);
  const explanations = await explainText(options, statement, parseValues(values.values));
  output.out(
    values.json
      ? `${JSON.stringify(explanations, undefined, 2)}\n`
      : explanations.map((explanation) => explanationText(explanation, limit)).join('\n'),
  );
  return explanations.some(({ verdict }) => verdict === 'refused') ? FAILED : DONE;
}

function verdictText({ kind, verdict, refusal, bound }: Explanation): string {
  switch (verdict) {
    case 'refused':
      return `refused with ${refusal?.code}: ${plain(refusal?.message ?? '')}`;
    case 'passes':
      return `sent as it is (${kind}): it changes no row that a rollback would have to restore`;
    case 'captured':
      return `supported (${kind}); ${bound ? 'bound by key to the rows that were read' : 'run byte for byte'}`;
  }
}

/** The same for people. */
function explanationText(explanation: Explanation, limit: number): string {
  const { sql, queries, runs, bound, tables, compensation, remarks } = explanation;
  const parts = [
    `${plain(sql)}\n  ${verdictText(explanation)}\n`,
    list('sent before it', queries, limit),
    bound && runs !== null ? list('run in its place', [runs], limit) : '',
    ...tables.map((touched) => rowsText(touched, limit)),
    list('a rollback would run', compensation, limit),
    list('to know', remarks, limit),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function list(title: string, lines: readonly string[], limit: number): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, limit).map((line) => `  ${plain(line.replace(/\s+/g, ' '))}\n`);
  const more = lines.length > limit ? `  ... and ${lines.length - limit} more\n` : '';
  return `${title}:\n${shown.join('')}${more}`;
}

function rowsText({ table: name, lockMode, rows }: ExplainedTable, limit: number): string {
  const lines = rows
    .slice(0, limit)
    .map(({ key, lockKey, before }) => [`  ${key}`, lockKey, lockMode, JSON.stringify(before)]);
  const more = rows.length > limit ? `  ... and ${rows.length - limit} more\n` : '';
  return `rows of ${plain(name)}:\n${table(['  ROW', 'LOCK KEY', 'MODE', 'NOW'], lines)}${more}`;
}

export const explain: Command = {
  name: 'explain',
  summary: 'what would be done with a statement, without running it',
  help: HELP,
  run,
};
