import { z } from 'zod';
import { DEFAULT_PORT } from '../protocol/contract.js';
import { DEFAULT_CONFIG } from './core/config.js';

/** One setting: a flag `--name` and an environment variable; the flag wins. */
export interface Option {
  readonly help: string;
  /** What stands for the value in the help. */
  readonly value: string;
  readonly schema: z.ZodType<unknown, string>;
  /** As it would be written on the command line; undefined: off. */
  readonly default: string | undefined;
  /** What stands for the default in the help, where it is made from other settings. */
  readonly defaultText?: string;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const LONGEST_TIME_MS = 2 ** 31 - 1;

/** `host:port`, `[::1]:port`; port 0 takes a free one. */
const ADDRESS = /^(?:[^:\s]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/;

function whole(least: number, most: number) {
  return z
    .string()
    .regex(/^\d+$/, 'it is not a whole number')
    .transform(Number)
    .pipe(z.number().min(least, `it is less than ${least}`).max(most, `it is more than ${most}`));
}

const text = z.string().min(1, 'it is empty');
const time = () => ({ value: 'MS', schema: whole(1, LONGEST_TIME_MS) });
const count = () => ({ value: 'N', schema: whole(1, 1_000_000_000) });

/** Every setting, in the order of the help. */
export const OPTIONS = {
  listen: {
    value: 'HOST:PORT',
    help: 'Where clients connect; port 0 takes a free one. There is no encryption and no log-in.',
    default: `127.0.0.1:${DEFAULT_PORT}`,
    schema: z.string().refine((address) => Number(ADDRESS.exec(address)?.[1] ?? Number.NaN) <= 65_535, {
      error: 'it is not HOST:PORT',
    }),
  },
  'port-file': {
    value: 'FILE',
    help: 'Write the port that was taken into this file once clients can connect.',
    default: undefined,
    schema: text,
  },
  data: {
    value: 'DIR',
    help: 'The directory of the store, made if it is missing. One process at a time may have it.',
    default: './globaltx-data',
    schema: text,
  },
  'audit-log': {
    value: 'FILE',
    help: "Where operators' orders are noted, a JSON line each; only ever added to.",
    default: undefined,
    defaultText: 'audit.log in --data',
    schema: text,
  },
  'log-level': {
    value: 'LEVEL',
    help: `How much is logged: ${LOG_LEVELS.join(', ')}. Each begin and commit is logged at debug.`,
    default: 'info',
    schema: z.enum(LOG_LEVELS, { error: `it is none of ${LOG_LEVELS.join(', ')}` }),
  },
  'metrics-port': {
    value: 'PORT',
    help: 'Serve Prometheus metrics at http://HOST:PORT/metrics, on the host of --listen; 0 takes a free port.',
    default: undefined,
    schema: whole(0, 65_535),
  },
  'default-timeout-ms': {
    ...time(),
    help: 'The timeout of a transaction that asks for none. Clients of this package always ask for one, 60 s by default.',
    default: String(DEFAULT_CONFIG.defaultTimeoutMs),
  },
  'max-timeout-ms': {
    ...time(),
    help: 'A longer timeout, lock wait or rollback wait is cut to this.',
    default: String(DEFAULT_CONFIG.maxTimeoutMs),
  },
  'commit-patience-ms': {
    ...time(),
    help: 'How long a commit waits for reports of phase one that are missing.',
    default: String(DEFAULT_CONFIG.commitPatienceMs),
  },
  'phase-two-timeout-ms': {
    ...time(),
    help: 'How long a push of phase two may stay unanswered before it is made again.',
    default: String(DEFAULT_CONFIG.phaseTwoTimeoutMs),
  },
  'retry-first-ms': {
    ...time(),
    help: 'The wait before the second attempt of phase two; each further one is twice as long.',
    default: String(DEFAULT_CONFIG.retry.firstMs),
  },
  'retry-ceiling-ms': {
    ...time(),
    help: 'The longest wait between two attempts.',
    default: String(DEFAULT_CONFIG.retry.ceilingMs),
  },
  'remember-ended-ms': {
    ...time(),
    help: 'How long an ended transaction is remembered, to answer questions about it.',
    default: String(DEFAULT_CONFIG.rememberEndedMs),
  },
  'max-transactions': {
    ...count(),
    help: 'Transactions that have not ended.',
    default: String(DEFAULT_CONFIG.maxTransactions),
  },
  'max-branches': {
    ...count(),
    help: 'Registrations of one transaction: its branches, and locks that are added to them.',
    default: String(DEFAULT_CONFIG.maxBranches),
  },
  'max-registrations': {
    ...count(),
    help: 'Registrations of all transactions that have not ended.',
    default: String(DEFAULT_CONFIG.maxRegistrations),
  },
  'max-locks': {
    ...count(),
    help: 'Locks that are held or waited for.',
    default: String(DEFAULT_CONFIG.maxLocks),
  },
  'max-waiting': {
    ...count(),
    help: 'Requests of one client that wait for a lock, a report or a rollback.',
    default: String(DEFAULT_CONFIG.maxWaiting),
  },
  'max-resources': {
    ...count(),
    help: 'Resources of one client.',
    default: String(DEFAULT_CONFIG.maxResources),
  },
  'max-pushes': {
    ...count(),
    help: 'Pushes of phase two that one client may have unanswered.',
    default: String(DEFAULT_CONFIG.maxPushes),
  },
  'max-ended': {
    ...count(),
    help: 'Ended transactions that are remembered; past it the oldest are forgotten early.',
    default: String(DEFAULT_CONFIG.maxEnded),
  },
  'max-streams': {
    ...count(),
    help: 'Clients that are connected.',
    default: String(DEFAULT_CONFIG.maxSessions),
  },
  'send-buffer-bytes': {
    value: 'BYTES',
    help: 'What may wait for a client that does not read; past it the client is cut off.',
    default: String(16 * 1024 * 1024),
    schema: whole(1_024, 1_073_741_824),
  },
  'hello-timeout-ms': {
    ...time(),
    help: 'How long a stream may stay without its first frame.',
    default: '10000',
  },
  'keepalive-time-ms': {
    ...time(),
    help: 'A silent connection is pinged after so long, so that a client that vanished is noticed.',
    default: '3000',
  },
  'keepalive-timeout-ms': {
    ...time(),
    help: 'A connection that does not answer a ping within so long is closed.',
    default: '5000',
  },
  'shutdown-grace-ms': {
    ...time(),
    help: 'How long a shutdown waits for clients to take what was sent to them.',
    default: '5000',
  },
} as const satisfies Readonly<Record<string, Option>>;

export type OptionName = keyof typeof OPTIONS;

/** `--max-locks` is GLOBALTX_MAX_LOCKS. */
export function environmentName(name: OptionName): string {
  return `GLOBALTX_${name.toUpperCase().replaceAll('-', '_')}`;
}
