/** Where a command writes: process.stdout and process.stderr, or a test's own. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
  /** Asks a person for yes or no; absent where there is nobody to ask. */
  confirm?(question: string): Promise<boolean>;
}

/** One word after `globaltx`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `globaltx <name> --help` prints. */
  readonly help: string;
  /** @returns the exit status: 0 done, 1 failed, 2 wrongly called */
  run(args: readonly string[], output: Output): number | Promise<number>;
}

export const DONE = 0;
export const FAILED = 1;
export const WRONG_USE = 2;
