import { removeFolders } from '../../test/support/keeper.js';

/** Resolves with the exit status once somebody wants the example to end. */
const interrupted = new Promise<number>((resolve) => {
  process.once('SIGINT', () => resolve(130));
  process.once('SIGTERM', () => resolve(143));
});

/**
 * Opens what an example is played on, plays it, and ends the process with the status that `play` gives; whatever
 * happens, all that was started is stopped.
 */
export async function perform<Opened extends { stop(): Promise<void> }>(
  opening: Promise<Opened>,
  play: (opened: Opened) => Promise<number>,
): Promise<never> {
  let status = 1;
  try {
    status = await Promise.race([opening.then(play), interrupted]);
  } catch (error) {
    console.error(error);
  } finally {
    await opening.then(
      (opened) => opened.stop(),
      () => undefined,
    );
    await removeFolders();
  }
  process.exit(status);
}
