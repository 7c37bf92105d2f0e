import type { CoreEvent } from '../../src/server/core/index.js';
import type { TraceEntry } from './host.js';
import type { Run } from './run.js';

function describe(what: TraceEntry['what']): string {
  switch (what.type) {
    case 'frame':
      return `session ${what.session} frame ${what.id} ${JSON.stringify(bodyOf(what))}`;
    case 'disconnected':
      return `session ${what.session} is gone`;
    case 'tick':
    case 'closing':
      return what.type;
    case 'retry':
      return `an operator retries ${what.xid} ${what.branchId}`;
    case 'resolve':
      return `an operator resolves ${what.xid} ${what.branchId}: ${what.resolution}`;
    case 'rollback':
      return `an operator rolls back ${what.xid}`;
    case 'crash':
    case 'recovery':
    case 'pause':
    case 'clock step':
      return `${what.type} ${what.note}`;
  }
}

function bodyOf({ body }: Extract<CoreEvent, { type: 'frame' }>): unknown {
  return body;
}

/** The events of a run, one a line, and what they broke. */
export function describeRun(run: Run): string {
  const { transactions, faults } = run.plan;
  return [
    `shrunk to ${transactions.length} transactions, ${faults.length} faults, ${run.events} events:`,
    ...faults.map((fault) => `  fault: ${JSON.stringify(fault)}`),
    ...run.trace.map(({ time, what }) => `  ${String(time).padStart(8)} ms  ${describe(what)}`),
    `  ${run.violation?.message ?? 'no violation'}`,
  ].join('\n');
}
