import Mocha from 'mocha';

export interface RunFilesOptions {
  /** How many files run at a time. */
  readonly jobs: number;
  /** Only tests whose full name has this in it. */
  readonly grep?: string | undefined;
}

export interface Counts {
  readonly passes: number;
  readonly failures: number;
}

/** A test may wait for two cores that others keep busy. */
const TEST_TIMEOUT_MS = 30_000;

/** Runs compiled test files on the servers that are shared, and prints what becomes of each test. */
export function runFiles(paths: readonly string[], { jobs, grep }: RunFilesOptions): Promise<Counts> {
  const inCi = process.env.CI !== undefined;
  const mocha = new Mocha({
    reporter: 'spec',
    timeout: TEST_TIMEOUT_MS,
    forbidPending: inCi,
    forbidOnly: inCi,
    parallel: jobs > 1,
    jobs,
    ...(grep === undefined ? {} : { fgrep: grep }),
  });
  for (const path of paths) mocha.addFile(path);
  return new Promise((done, failed) => {
    const start = jobs > 1 ? Promise.resolve() : mocha.loadFilesAsync();
    start.then(() => {
      const runner = mocha.run(() => done(runner.stats as Mocha.Stats));
    }, failed);
  });
}
