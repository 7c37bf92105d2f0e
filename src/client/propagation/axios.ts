import { XID_NAMES, xidHeaders } from './header.js';
import { carried, type OutgoingOptions } from './outgoing.js';

/** The part of axios' configuration of a request that is needed; typed by structure. */
interface AxiosConfig {
  readonly url?: string | undefined;
  readonly baseURL?: string | undefined;
  readonly headers: { has(name: string): boolean; set(name: string, value: string): unknown };
}

/**
 * Request interceptor for axios: a call tells the called service the xid of the current global transaction. An
 * xid that the call names itself is left as it is.
 *
 * @throws GlobalTxError TRANSACTION_NOT_ACTIVE, COORDINATOR_UNAVAILABLE, out of the call
 *
 * @example
 * axios.interceptors.request.use(axiosGlobalTx());
 */
export function axiosGlobalTx(
  options: OutgoingOptions = {},
): <Config extends AxiosConfig>(config: Config) => Promise<Config> {
  return async (config) => {
    const { url = '', baseURL = '', headers } = config;
    const transaction = carried(URL.canParse(url) ? url : `${baseURL}${url}`, options);
    if (transaction === undefined || XID_NAMES.some((name) => headers.has(name))) return config;
    await transaction.ensureBegun();
    for (const [name, xid] of Object.entries(xidHeaders(transaction.xid))) headers.set(name, xid);
    return config;
  };
}
