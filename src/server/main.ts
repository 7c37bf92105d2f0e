#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import { GlobalTxError } from '../protocol/errors.js';
import { readCommand, type Settings } from './configuration.js';
import { Coordinator } from './coordinator.js';
import { endProcess, endProcessNow } from './end-process.js';
import { ServerFailpoints } from './failpoints.js';
import { helpText } from './help.js';
import { verifyStore } from './store/verify.js';

async function main(): Promise<void> {
  const command = readCommand(process.argv.slice(2), process.env);
  switch (command.command) {
    case 'help':
      process.stdout.write(helpText());
      return;
    case 'version':
      process.stdout.write(`${version()}\n`);
      return;
    case 'verify': {
      const { transactions, branches, locks, facts } = await verifyStore(command.directory);
      process.stdout.write(
        `${command.directory} is sound: ${transactions} transactions, ${branches} branches, ${locks} locks, ${facts} facts\n`,
      );
      return;
    }
    case 'serve':
      await serve(command.settings);
  }
}

async function serve(settings: Settings): Promise<void> {
  const log = pino({ name: 'globaltx-server', level: settings['log-level'] });
  process.on('uncaughtException', (error) => {
    logFatal(log, error, 'an error that nobody handles');
    endProcessNow();
  });
  const failpoints = ServerFailpoints.fromEnvironment();
  if (failpoints !== undefined) log.warn('failpoints are set: this coordinator fails on purpose');
  const stopping = new Promise<void>((resolve) => {
    let signals = 0;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        signals += 1;
        log.info({ signal }, signals === 1 ? 'shutting down' : 'ending at once');
        if (signals > 1) endProcessNow();
        resolve();
      });
    }
  });
  let coordinator: Coordinator;
  try {
    coordinator = await Coordinator.start(settings, log, failpoints, (error) => {
      logFatal(log, error, 'the coordinator ends');
      endProcess();
    });
  } catch (error) {
    logFatal(log, error, 'the coordinator cannot start');
    endProcess();
    return;
  }
  await stopping;
  await coordinator.stop();
  log.info('stopped');
  process.exit(0);
}

function logFatal(log: Logger, error: unknown, what: string): void {
  const code = error instanceof GlobalTxError ? error.code : 'INTERNAL';
  log.fatal({ err: error, code }, what);
}

function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

main().catch((error: unknown) => {
  const text = error instanceof GlobalTxError ? `${error.code}: ${error.message}` : String(error);
  process.stderr.write(`globaltx-server: ${text}\n`);
  process.exitCode = 1;
});
