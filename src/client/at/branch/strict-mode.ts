import type { CaptureContext } from './capture-context.js';

/** Whether a value that does not fit is an error, and not stored as another; asked only where one has come up. */
export async function isStrict({ session }: Pick<CaptureContext, 'session'>): Promise<boolean> {
  const { rows } = await session.executor.query('SELECT @@sql_mode');
  return /STRICT_/.test(rows[0]?.[0]?.toString() ?? '');
}
