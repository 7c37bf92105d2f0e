import type { Logger } from '../../src/client/logger.js';

export interface LogLine {
  readonly level: keyof Logger;
  readonly facts: object;
  readonly message: string;
}

/** A logger that remembers. */
export class Log implements Logger {
  readonly lines: LogLine[] = [];

  debug(facts: object, message: string): void {
    this.lines.push({ level: 'debug', facts, message });
  }

  info(facts: object, message: string): void {
    this.lines.push({ level: 'info', facts, message });
  }

  warn(facts: object, message: string): void {
    this.lines.push({ level: 'warn', facts, message });
  }

  error(facts: object, message: string): void {
    this.lines.push({ level: 'error', facts, message });
  }

  /** The messages of warnings and errors. */
  get warnings(): string[] {
    return this.lines.flatMap(({ level, message }) =>
      level === 'warn' || level === 'error' ? [message] : [],
    );
  }
}
