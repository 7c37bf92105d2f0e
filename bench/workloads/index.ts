import { HOT } from './hot.js';
import { ORDER } from './order.js';
import { TPCC } from './tpcc.js';
import { TWO_DATABASES, UPDATES } from './updates.js';
import type { Workload } from './workload.js';

export { MODES, type Mode, type Unit, type Workload } from './workload.js';

export const WORKLOADS: readonly Workload[] = [...UPDATES, ORDER, TPCC, ...HOT];

/** The one that is played until V8 has compiled what the workload's kind needs: not one whose transactions wait for rows. */
export function compiledBy(workload: Workload): Workload {
  return workload.kind === TWO_DATABASES.kind ? TWO_DATABASES : workload;
}
