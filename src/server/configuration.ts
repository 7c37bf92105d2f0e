import { parseArgs } from 'node:util';
import type { z } from 'zod';
import { GlobalTxError } from '../protocol/errors.js';
import { environmentName, OPTIONS, type Option, type OptionName } from './options.js';

type ValueOf<Name extends OptionName> = z.output<(typeof OPTIONS)[Name]['schema']>;

/** Every setting by its flag's name. Those without a default are undefined when they are not given. */
export type Settings = {
  readonly [Name in OptionName]: (typeof OPTIONS)[Name]['default'] extends string
    ? ValueOf<Name>
    : ValueOf<Name> | undefined;
};

export type Command =
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'verify'; readonly directory: string }
  | { readonly command: 'serve'; readonly settings: Settings };

type Environment = Readonly<Record<string, string | undefined>>;

const NAMES = Object.keys(OPTIONS) as OptionName[];

/**
 * Reads flags and environment; flags win, an empty variable counts as not set.
 * @throws GlobalTxError INVALID_OPTION
 */
export function readCommand(args: readonly string[], environment: Environment): Command {
  const values = readFlags(args);
  if (values.help === true) return { command: 'help' };
  if (values.version === true) return { command: 'version' };
  if (typeof values.verify === 'string') return { command: 'verify', directory: values.verify };
  const settings = Object.fromEntries(
    NAMES.map((name) => [name, readOption(name, values[name], environment[environmentName(name)])]),
  );
  return { command: 'serve', settings: settings as Settings };
}

function readFlags(args: readonly string[]): Readonly<Record<string, string | boolean | undefined>> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...(Object.fromEntries(NAMES.map((name) => [name, { type: 'string' }])) as Record<
          OptionName,
          { type: 'string' }
        >),
        verify: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
    return values;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GlobalTxError('INVALID_OPTION', `${why} See globaltx-server --help.`, { cause: error });
  }
}

function readOption(name: OptionName, flag: unknown, variable: string | undefined): unknown {
  const option: Option = OPTIONS[name];
  const fromFlag = typeof flag === 'string' ? flag : undefined;
  const written = fromFlag ?? (variable === '' ? undefined : variable) ?? option.default;
  if (written === undefined) return undefined;
  const result = option.schema.safeParse(written);
  if (result.success) return result.data;
  const source = fromFlag === undefined ? environmentName(name) : `--${name}`;
  const why = result.error.issues.map((issue) => issue.message).join(', ');
  throw new GlobalTxError('INVALID_OPTION', `${source}=${written}: ${why}. See globaltx-server --help.`);
}
