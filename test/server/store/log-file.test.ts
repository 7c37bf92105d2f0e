import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { LogFile } from '../../../src/server/store/log-file.js';
import { removeFolder, temporaryFolder } from '../../support/keeper.js';

type Done = (error: NodeJS.ErrnoException | null) => void;

const LIMIT_MS = 50;

describe('A flush of the store', () => {
  const { fdatasync } = fs;
  let directory: string;
  let file: LogFile;

  beforeEach(() => {
    directory = temporaryFolder('log-file');
    file = LogFile.create(directory, 0, { oldest: 0, formerEnd: 0 }, 2 ** 20);
  });

  afterEach(async () => {
    file.close();
    fs.fdatasync = fdatasync;
    syncBuiltinESMExports();
    await removeFolder(directory);
  });

  function flushBy(own: (descriptor: number, done: Done) => void): Promise<void> {
    fs.fdatasync = own as typeof fdatasync;
    syncBuiltinESMExports();
    return file.flush(LIMIT_MS);
  }

  /** As SIGSTOP does: time passes, and nothing is heard. */
  function stop(): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4 * LIMIT_MS);
  }

  it('that was finished while the process was stopped is finished, however long that was', async () => {
    const flush = file.flush(LIMIT_MS);
    stop();
    await flush;
  });

  it('that goes on only when the process does is given a moment', async () => {
    let goOn = () => {};
    const flush = flushBy((_, done) => {
      goOn = () => setTimeout(() => done(null), LIMIT_MS);
    });
    stop();
    goOn();
    await flush;
  });

  it('that hangs is given up, as is one that fails', async () => {
    await assert.rejects(
      flushBy(() => undefined),
      /no write was finished within 50 ms/,
    );
    await assert.rejects(
      flushBy((_, done) => done(new Error('i/o error'))),
      /i\/o error/,
    );
  });
});
