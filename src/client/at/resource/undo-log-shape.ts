import type { SqlExecutor } from '../executor.js';
import { textLiteral } from '../table/information-schema.js';
import { UNDO_LOG_KEY, UNDO_LOG_TABLE } from '../undo/ddl.js';

/** What is there in place of the undo log. */
export interface UndoLogShape {
  readonly exists: boolean;
  /** What keeps it from serving, for people; empty when it serves. */
  readonly faults: readonly string[];
  /** Whether it has an AUTO_INCREMENT column: writing to it then changes LAST_INSERT_ID(). */
  readonly autoIncrement: boolean;
}

/** The columns that globaltx writes, with the types that hold what it writes. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  branch_id: ['bigint'],
  xid: ['varchar'],
  context: ['varchar'],
  rollback_info: ['longblob'],
  log_status: ['int'],
  log_created: ['datetime', 'timestamp'],
  log_modified: ['datetime', 'timestamp'],
};

interface Column {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly autoIncrement: boolean;
}

async function readColumns(executor: SqlExecutor, where: string): Promise<readonly Column[]> {
  const { rows } = await executor.query(
    'SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA ' +
      `FROM information_schema.COLUMNS WHERE ${where}`,
  );
  return rows.map(([name, type, nullable, fallback, extra]) => {
    const autoIncrement = /auto_increment/i.test(String(extra));
    const required = String(nullable) === 'NO' && fallback === null && !autoIncrement;
    return { name: String(name).toLowerCase(), type: String(type).toLowerCase(), required, autoIncrement };
  });
}

async function hasUniqueKey(executor: SqlExecutor, where: string): Promise<boolean> {
  const { rows } = await executor.query(
    'SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS ' +
      `WHERE ${where} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  );
  const indexes = new Map<string, string[]>();
  for (const [index, column, part] of rows) {
    const columns = indexes.get(String(index).toLowerCase()) ?? [];
    // A prefix could call two xids the same.
    columns.push(part === null ? String(column).toLowerCase() : '');
    indexes.set(String(index).toLowerCase(), columns);
  }
  return indexes.get(UNDO_LOG_KEY)?.sort().join() === 'branch_id,xid';
}

/** Reads the shape of the undo log of a schema; one made for Seata serves, with an `id` and an `ext` or without. */
export async function readUndoLogShape(executor: SqlExecutor, schema: string): Promise<UndoLogShape> {
  const where = `TABLE_SCHEMA = ${textLiteral(schema)} AND TABLE_NAME = '${UNDO_LOG_TABLE}'`;
  const tables = await executor.query(`SELECT ENGINE FROM information_schema.TABLES WHERE ${where}`);
  const table = tables.rows[0];
  if (table === undefined) return { exists: false, faults: [], autoIncrement: false };
  const columns = await readColumns(executor, where);
  const faults: string[] = [];
  if (String(table[0]).toLowerCase() !== 'innodb') faults.push(`its engine is ${table[0]}, not InnoDB`);
  for (const [column, types] of Object.entries(COLUMNS)) {
    const found = columns.find((candidate) => candidate.name === column);
    if (found === undefined) faults.push(`it has no column ${column}`);
    else if (!types.includes(found.type))
      faults.push(`its column ${column} is ${found.type}, not ${types[0]}`);
  }
  for (const column of columns) {
    if (column.required && !(column.name in COLUMNS)) {
      faults.push(`its column ${column.name} has no default`);
    }
  }
  if (!(await hasUniqueKey(executor, where)))
    faults.push(`it has no unique key ${UNDO_LOG_KEY} on (xid, branch_id)`);
  return { exists: true, faults, autoIncrement: columns.some((column) => column.autoIncrement) };
}
