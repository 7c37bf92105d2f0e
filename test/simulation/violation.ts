/** Something that must never happen has happened. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`);
    this.rule = rule;
  }
}

export function must(holds: boolean, rule: string, message: () => string): void {
  if (!holds) throw new Violation(rule, message());
}
