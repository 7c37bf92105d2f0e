import { makeOutside } from './place.js';

/**
 * A class of mysql2 whose instances are taken over when they are made by `new`, or by that of a class that extends it.
 * Everything else is that class: its name, its statics, and `instanceof` by its prototype.
 */
export function takingOver<Instance extends object>(
  original: new (...args: never[]) => Instance,
  takeOver: (made: Instance) => void,
): new (
  ...args: never[]
) => Instance {
  return new Proxy(original, {
    construct(target, args, newTarget) {
      const made = makeOutside(() => Reflect.construct(target, args, newTarget) as Instance);
      takeOver(made);
      return made;
    },
  });
}
