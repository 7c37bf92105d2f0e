/**
 * TIMESTAMP is stored as seconds since 1970 in UTC and shown in the session's time zone, where an hour may
 * occur twice. UNIX_TIMESTAMP() of a column gives what is stored, so images carry that, spelt as UTC.
 * Zero is no time at all: '0000-00-00 00:00:00'.
 */
export function utcFromEpoch(epoch: string): string {
  const [seconds = '', fraction] = epoch.split('.');
  const tail = fraction === undefined ? '' : `.${fraction}`;
  if (/^0*$/.test(seconds + (fraction ?? ''))) return `0000-00-00 00:00:00${tail}`;
  return new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ') + tail;
}

/** @returns undefined for the zero value */
export function epochFromUtc(text: string): string | undefined {
  if (text.startsWith('0000-')) return undefined;
  const [whole = '', fraction] = text.split('.');
  const seconds = Date.parse(`${whole.replace(' ', 'T')}Z`) / 1000;
  return fraction === undefined ? String(seconds) : `${seconds}.${fraction}`;
}
