import { HOT } from './hot.js';
import { ORDER } from './order.js';
import { TPCC } from './tpcc.js';
import { UPDATES } from './updates.js';
import type { Workload } from './workload.js';

export { MODES, type Mode, type Unit, type Workload } from './workload.js';

export const WORKLOADS: readonly Workload[] = [...UPDATES, ORDER, TPCC, ...HOT];
