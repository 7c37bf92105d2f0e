/**
 * Waits for the work, but no longer than until the signal is aborted.
 * @param late told what the work throws after that: nobody else hears of it
 * @throws what the work throws; the signal's reason
 */
export async function untilAborted<Result>(
  signal: AbortSignal,
  work: () => Promise<Result>,
  late: (error: unknown) => void,
): Promise<Result> {
  signal.throwIfAborted();
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  const working = work();
  try {
    return await Promise.race([working, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    if (signal.aborted) {
      working.catch((error: unknown) => {
        if (error !== signal.reason) late(error);
      });
    }
  }
}
