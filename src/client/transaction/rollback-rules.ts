import { GlobalTxError } from '../../protocol/errors.js';

/** A class of errors, its subclasses included. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** Which errors are meant: those of a class, or those for which a function gives true. */
export type ErrorRule = ErrorClass | ((error: unknown) => boolean);

type Distance = (error: unknown) => number;

/** Says whether an error rolls the transaction back. */
export type RollbackRule = (error: unknown) => boolean;

/** No rule speaks of the error. */
const FAR = Number.POSITIVE_INFINITY;

function isErrorClass(rule: ErrorRule): rule is ErrorClass {
  const { prototype } = rule as { prototype?: unknown };
  return rule === Error || prototype instanceof Error;
}

/** How many steps the error's class is below `errorClass`. */
function distanceTo(errorClass: ErrorClass): Distance {
  return (error) => {
    if (!(error instanceof Error)) return FAR;
    let distance = 0;
    for (let link: unknown = Object.getPrototypeOf(error); link !== null; distance += 1) {
      if (link === errorClass.prototype) return distance;
      link = Object.getPrototypeOf(link);
    }
    return FAR;
  };
}

/** A function that was asked about this very error is as close as the error's own class. */
function distanceBy(option: string, predicate: (error: unknown) => boolean): Distance {
  return (error) => {
    const answer: unknown = predicate(error);
    if (typeof answer === 'boolean') return answer ? 0 : FAR;
    throw new GlobalTxError(
      'INVALID_OPTION',
      `${option}: the function gave neither true nor false (a promise is neither)`,
    );
  };
}

function distances(option: string, given: ErrorRule | readonly ErrorRule[] | undefined): readonly Distance[] {
  const rules: readonly ErrorRule[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
  return rules.map((rule) => {
    if (typeof rule !== 'function') {
      throw new GlobalTxError('INVALID_OPTION', `${option}: each rule is a class of errors or a function`);
    }
    return isErrorClass(rule) ? distanceTo(rule) : distanceBy(option, rule as (error: unknown) => boolean);
  });
}

function nearest(rules: readonly Distance[], error: unknown): number {
  return Math.min(FAR, ...rules.map((distance) => distance(error)));
}

/**
 * Every error rolls back, as in Seata, but for those that `noRollbackFor` names more closely than `rollbackFor`:
 * as in Spring, the rule wins whose class is nearest to the error's own. Undefined when there is no exception.
 * @throws GlobalTxError INVALID_OPTION; the rule itself throws what a function of the application does
 */
export function rollbackRule(
  rollbackFor: ErrorRule | readonly ErrorRule[] | undefined,
  noRollbackFor: ErrorRule | readonly ErrorRule[] | undefined,
): RollbackRule | undefined {
  const back = distances('rollbackFor', rollbackFor);
  const kept = distances('noRollbackFor', noRollbackFor);
  if (kept.length === 0) return undefined;
  return (error) => nearest(back, error) <= nearest(kept, error);
}
