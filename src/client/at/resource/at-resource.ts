import type { EnlistResource, PhaseTwo } from '../../../protocol/frames.js';
import type { Logger } from '../../logger.js';
import type { PhaseTwoAnswer, Resource } from '../../resource/resource.js';
import type { SqlDialect } from '../executor.js';
import { compensate, retryAnswer } from '../undo/compensate.js';
import { CompensationTables } from './compensation-tables.js';
import { type DefenceRecordOptions, DefenceRecords } from './defence-records.js';
import type { SessionSource } from './raw-session.js';
import { UndoLogCleaner } from './undo-log-cleaner.js';

export interface AtResourceOptions {
  readonly identity: EnlistResource;
  /** Where the undo log is. */
  readonly schema: string;
  readonly server: SqlDialect['server'];
  readonly sessions: SessionSource;
  readonly logger: Logger;
  readonly defenceRecords?: DefenceRecordOptions;
}

/** Phase two of the AT branches of one database. */
export class AtResource implements Resource {
  readonly identity: EnlistResource;
  readonly #schema: string;
  readonly #server: SqlDialect['server'];
  readonly #sessions: SessionSource;
  readonly #tables = new CompensationTables();
  readonly #cleaner: UndoLogCleaner;
  readonly #defenceRecords: DefenceRecords;

  constructor({ identity, schema, server, sessions, logger, defenceRecords }: AtResourceOptions) {
    const { resourceId, kind, serverId, label } = identity;
    this.identity = { resourceId, kind, serverId, label };
    this.#schema = schema;
    this.#server = server;
    this.#sessions = sessions;
    this.#cleaner = new UndoLogCleaner(sessions, schema);
    this.#defenceRecords = new DefenceRecords(sessions, schema, logger, defenceRecords);
  }

  phaseTwo(branches: readonly PhaseTwo[]): Promise<readonly PhaseTwoAnswer[]> {
    return Promise.all(branches.map((branch) => this.#answer(branch)));
  }

  /** Stops the removal of old defence records; the sessions are their owner's to close. */
  close(): void {
    this.#defenceRecords.close();
  }

  #answer(branch: PhaseTwo): Promise<PhaseTwoAnswer> {
    switch (branch.decision) {
      case 'COMMIT':
        return this.#cleaner.delete(branch);
      case 'ROLLBACK':
        return this.#compensate(branch);
    }
  }

  async #compensate({ xid, branchId, resolution, phaseOneDone }: PhaseTwo): Promise<PhaseTwoAnswer> {
    const where = { schema: this.#schema, server: this.#server, tables: this.#tables };
    const branch = { xid, branchId, phaseOneDone, ...where };
    try {
      return await this.#sessions.withSession((executor) => compensate(executor, branch, resolution));
    } catch (error) {
      return retryAnswer(error);
    }
  }
}
