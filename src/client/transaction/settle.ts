import type { Participant } from './transaction.js';

/** How long giving up may take: it waits for the statement that a connection is busy with. */
const ABANDON_LIMIT_MS = 5_000;

const TIME_UP = Symbol('time up');

async function within<Value>(work: Promise<Value>, limitMs: number): Promise<Value | typeof TIME_UP> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<typeof TIME_UP>((resolve) => {
    timer = setTimeout(() => resolve(TIME_UP), Math.max(0, limitMs));
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until nothing of the participants is under way, but no longer than `limitMs`.
 * @returns false when the time was up first
 */
export async function settle(participants: readonly Participant[], limitMs: number): Promise<boolean> {
  if (participants.length === 0) return true;
  // A participant's own error goes to whoever sent the statement; here it only matters that it is over.
  const settled = Promise.allSettled(participants.map((participant) => participant.settled()));
  return (await within(settled, limitMs)) !== TIME_UP;
}

/**
 * Gives up everything that is not committed locally.
 * @returns an error for each participant that could not give up (in time)
 */
export async function abandon(
  participants: readonly Participant[],
  limitMs: number = ABANDON_LIMIT_MS,
): Promise<readonly unknown[]> {
  const errors = participants.map(async (participant): Promise<readonly unknown[]> => {
    try {
      if ((await within(participant.abandon(), limitMs)) !== TIME_UP) return [];
      return [new Error(`${participant.description} is still busy after ${limitMs} ms`)];
    } catch (error) {
      return [error];
    }
  });
  return (await Promise.all(errors)).flat();
}
