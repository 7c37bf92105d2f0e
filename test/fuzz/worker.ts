import { DatabaseServer, type ServerFacts } from '../support/database-server.js';
import { Fuzz, type RunResult } from './fuzz.js';
import type { Options } from './options.js';

/** What the main process sends: first 'open', then seeds one by one, at the end 'close'. */
export type ToWorker =
  | {
      readonly verb: 'open';
      readonly server: ServerFacts;
      readonly options: Pick<Options, 'further' | 'shrinkMs'>;
    }
  | { readonly verb: 'run'; readonly seed: number }
  | { readonly verb: 'close' };

export type FromWorker =
  | { readonly verb: 'ready' }
  | { readonly verb: 'result'; readonly result: RunResult }
  | { readonly verb: 'failed'; readonly error: string };

let fuzz: Fuzz | undefined;

function answer(message: FromWorker): void {
  process.send?.(message);
}

async function take(message: ToWorker): Promise<void> {
  switch (message.verb) {
    case 'open':
      fuzz = await Fuzz.open(new DatabaseServer(message.server), message.options);
      answer({ verb: 'ready' });
      return;
    case 'run':
      if (fuzz === undefined) throw new Error('a run was asked for before anything was opened');
      answer({ verb: 'result', result: await fuzz.run(message.seed) });
      return;
    case 'close':
      await fuzz?.close();
      process.disconnect();
  }
}

// On Ctrl-C the main process decides: it waits for the run under way.
process.on('SIGINT', () => {});

process.on('message', (message: ToWorker) => {
  take(message).catch((error: unknown) => {
    answer({
      verb: 'failed',
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  });
});
