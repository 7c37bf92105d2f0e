import { CLIENT_FAILPOINTS, type ClientFailpoint, Failpoints, type Side } from '../protocol/failpoints.js';

const failpoints = Failpoints.fromEnvironment('GLOBALTX_CLIENT_FAILPOINTS', CLIENT_FAILPOINTS);

/** Fails here if `GLOBALTX_CLIENT_FAILPOINTS` says so. One comparison when it is not set. */
export function reach(side: Side, name: ClientFailpoint): void {
  failpoints?.reach(side, name, (message) => new Error(message));
}
