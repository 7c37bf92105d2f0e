import type { GlobalTx } from 'globaltx';
import type { Mode, Unit, Workload } from '../workloads/index.js';
import { localUnit, type Source, xa } from './units.js';

export interface Sources {
  readonly plain: Source;
  readonly globaltx: Source;
  readonly gtx: GlobalTx;
}

/** Thrown by the function of a transaction that is to be rolled back once all of it has been written. */
class Declined extends Error {}

async function at(gtx: GlobalTx, unit: Unit, workload: Workload, commit: boolean): Promise<void> {
  try {
    await gtx.run({ name: 'bench' }, async () => {
      await workload.run(unit);
      if (!commit) throw new Declined();
    });
  } catch (error) {
    if (!(error instanceof Declined)) throw error;
  }
}

/** One transaction of the workload in the mode. */
export function transaction(
  { plain, globaltx, gtx }: Sources,
  workload: Workload,
  mode: Mode,
): () => Promise<unknown> {
  const commits = () => plain.chance(10_000) >= workload.rollbackShare * 10_000;
  switch (mode) {
    case 'plain':
      return () => workload.run(localUnit(plain, commits() ? 'COMMIT' : 'ROLLBACK'));
    case 'passthrough':
      return () => workload.run(localUnit(globaltx, commits() ? 'COMMIT' : 'ROLLBACK'));
    case 'xa':
      return () => xa(plain, (unit) => workload.run(unit), commits());
    case 'at':
      return () => at(gtx, localUnit(globaltx, 'COMMIT'), workload, commits());
  }
}
