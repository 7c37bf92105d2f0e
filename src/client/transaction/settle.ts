import type { Participant } from './transaction.js';

/**
 * Waits until nothing of the participants is under way, but no longer than `limitMs`.
 * @returns false when the time was up first
 */
export async function settle(participants: readonly Participant[], limitMs: number): Promise<boolean> {
  if (participants.length === 0) return true;
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, limitMs));
  });
  // A participant's own error goes to whoever sent the statement; here it only matters that it is over.
  const settled = Promise.allSettled(participants.map((participant) => participant.settled())).then(
    () => true,
  );
  try {
    return await Promise.race([settled, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

/** Gives up everything that is not committed locally. @returns what could not be given up */
export async function abandon(participants: readonly Participant[]): Promise<readonly unknown[]> {
  const results = await Promise.allSettled(participants.map((participant) => participant.abandon()));
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
}
