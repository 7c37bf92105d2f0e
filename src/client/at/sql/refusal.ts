import type { Statement } from './analysis.js';

type RefusalCode = Extract<Statement, { kind: 'refused' }>['code'];

/** Thrown by the readers of this folder, and turned into a 'refused' statement by `statement.ts`; never leaves it. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly construct: string;

  constructor(code: RefusalCode, construct: string) {
    super(construct);
    this.code = code;
    this.construct = construct;
  }
}

/** SQL that is understood well enough to know that it is not supported. */
export function unsupported(construct: string): never {
  throw new Refusal('STATEMENT_UNSUPPORTED', construct);
}

/** SQL, or what may be SQL, that cannot be read with certainty. */
export function notUnderstood(construct: string): never {
  throw new Refusal('STATEMENT_NOT_UNDERSTOOD', construct);
}
