/** What getActiveResourcesInfo() calls a call of the file system that a thread of the pool is at. */
const FILE_SYSTEM_CALLS: readonly string[] = ['FSReqCallback', 'FSReqPromise'];
/** A disk that does not hang is done with what it is at. */
const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 10;

/** Ends the process for certain: as soon as the disk is done with what it is at, or else after five seconds. */
export function endProcess(): void {
  const latest = performance.now() + PATIENCE_MS;
  const look = () => {
    if (isAtTheDisk() && performance.now() < latest) setTimeout(look, LOOK_EVERY_MS);
    else endProcessNow();
  };
  // A call that is being answered just now counts until its answer has been dealt with.
  setImmediate(look);
}

/**
 * Ends the process for certain, and lets nothing more happen in it. process.exit() waits for the threads of the pool: for
 * ever, when the disk hangs. So where one of them is at the disk the process kills itself, and what it is at is left
 * undone, as by any other kill: nobody was told that it is done.
 */
export function endProcessNow(): never {
  if (!isAtTheDisk()) process.exit(1);
  process.kill(process.pid, 'SIGKILL');
  // The first process of a container is immune to a SIGKILL of its own. What abort() does in the end it is not.
  process.abort();
}

function isAtTheDisk(): boolean {
  return process.getActiveResourcesInfo().some((call) => FILE_SYSTEM_CALLS.includes(call));
}
