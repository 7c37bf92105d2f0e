/**
 * Calls what the application has given. What it throws ends the process, as with mysql2, and not what is under way
 * here: commands wait for this one, and so does the end of its transaction.
 */
export function thrownOutside(call: () => void): void {
  try {
    call();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
