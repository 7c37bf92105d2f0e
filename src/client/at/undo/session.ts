import type { SqlExecutor } from '../executor.js';

/**
 * Statement-based binary logs take no changes made under READ COMMITTED (ER_BINLOG_STMT_MODE_AND_ROW_ENGINE);
 * such a server must do with the gap locks.
 */
async function isolationLevel(executor: SqlExecutor): Promise<string> {
  const { rows } = await executor.query(
    "SHOW VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format') AND Value IN ('ON', 'STATEMENT')",
  );
  return rows.length === 2 ? 'REPEATABLE READ' : 'READ COMMITTED';
}

/**
 * Prepares a session of globaltx's own for phase two, once after it is opened.
 *
 * - READ COMMITTED: looking for rows that are not there must not lock the gap, where phase ones of other
 *   transactions are about to insert theirs. Everything that decides is read FOR UPDATE.
 * - sql_mode: 0 in an AUTO_INCREMENT column, dates that the calendar does not have, and the invalid value of
 *   an ENUM were in the table, so they go back as they are. Strict mode would refuse the last; what it would
 *   guard against besides is found when every row is read back.
 * - time_zone and names: what canonical values are written in.
 * - A short lock wait: who holds a row that a rollback needs is waiting for that rollback's locks, and the
 *   coordinator sends phase two again.
 */
export async function prepareCompensationSession(executor: SqlExecutor): Promise<void> {
  await executor.query('SET NAMES utf8mb4');
  await executor.query(
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', " +
      "time_zone = '+00:00', autocommit = 1, foreign_key_checks = 1, unique_checks = 1, " +
      `sql_safe_updates = 0, sql_select_limit = DEFAULT, innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
  );
  const isolation = await isolationLevel(executor);
  await executor.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}, READ WRITE`);
}

const LOCK_WAIT_SECONDS = 3;
