import { quoteIdentifier } from '../sql/identifier.js';

/** The table that keeps the images of unfinished branches. */
export const UNDO_LOG_TABLE = 'undo_log';

/** Its unique key on (xid, branch_id). */
export const UNDO_LOG_KEY = 'ux_undo_log';

/** The table beside it that keeps the resource's identity. */
export const RESOURCE_TABLE = 'globaltx_resource';

/** A table's full name, quoted; without a schema, the name alone. */
export function qualifiedName(schema: string | undefined, table: string): string {
  return schema === undefined
    ? quoteIdentifier(table)
    : `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/**
 * The undo log, with the columns of Seata's MySQL table, so that a schema prepared for Seata serves as it is.
 * The unique key is what a late phase one runs into, and InnoDB clusters the rows by it. The index by age
 * serves the removal of old defence records.
 * @param schema left out: the statement makes it in the session's default schema
 */
export function undoLogDdl(schema?: string): string {
  return `CREATE TABLE IF NOT EXISTS ${qualifiedName(schema, UNDO_LOG_TABLE)} (
  branch_id BIGINT NOT NULL,
  xid VARCHAR(128) NOT NULL,
  context VARCHAR(128) NOT NULL,
  rollback_info LONGBLOB NOT NULL,
  log_status INT NOT NULL,
  log_created DATETIME(6) NOT NULL,
  log_modified DATETIME(6) NOT NULL,
  UNIQUE KEY ${UNDO_LOG_KEY} (xid, branch_id),
  KEY ix_log_created (log_created)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;
}

/** Where a database keeps the name under which the coordinator knows it; rows: name 'resource_id'. */
export function resourceTableDdl(schema?: string): string {
  return `CREATE TABLE IF NOT EXISTS ${qualifiedName(schema, RESOURCE_TABLE)} (
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  value VARCHAR(255) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;
}
