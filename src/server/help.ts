import { environmentName, OPTIONS, type Option, type OptionName } from './options.js';

const WIDTH = 100;
const INDENT = '      ';

/** What `globaltx-server --help` prints. */
export function helpText(): string {
  const options = (Object.entries(OPTIONS) as [OptionName, Option][]).map(([name, option]) =>
    entry(
      `--${name} ${option.value}`,
      option.help,
      `${environmentName(name)}, default: ${option.defaultText ?? option.default ?? 'off'}`,
    ),
  );
  return [
    'Usage: globaltx-server [--FLAG VALUE ...]',
    '       globaltx-server --verify DIR',
    '',
    'The coordinator of global transactions. Clients connect to it by gRPC; it keeps its state in a',
    'directory and takes up after a crash whatever was under way. It logs JSON lines to standard output',
    'and ends cleanly on SIGTERM or SIGINT; a second signal ends it at once.',
    '',
    'Every flag can be given as an environment variable instead; the flag wins.',
    '',
    ...options,
    entry(
      '--verify DIR',
      'Read the whole store in DIR, say whether it is sound, and end. Nothing is changed.',
    ),
    entry('--version', 'Print the version.'),
    entry('--help, -h', 'Print this.'),
    'For tests only: GLOBALTX_FAILPOINTS makes the coordinator fail at a named place.',
    '',
  ].join('\n');
}

function entry(flag: string, help: string, more?: string): string {
  const lines = [`  ${flag}`, ...wrap(help).map((line) => INDENT + line)];
  if (more !== undefined) lines.push(`${INDENT}[${more}]`);
  return `${lines.join('\n')}\n`;
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && INDENT.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
