/** Asks the coordinator's metrics how many global locks are held. */
export async function locksHeld(metricsPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const text = await response.text();
  const value = /^globaltx_locks(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1];
  if (value === undefined) throw new Error(`the coordinator's metrics do not tell the locks held:\n${text}`);
  return Number(value);
}
