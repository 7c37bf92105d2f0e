import { GlobalTxError } from '../../../protocol/errors.js';
import { insertedKeyCondition } from '../image/inserted.js';
import { keyIndexHint } from '../image/key-condition.js';
import type { InsertStatement, InsertValue } from '../sql/analysis.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { type CaptureContext, mismatch, type RunStatement } from './capture-context.js';
import { inlineClause, referenceOf, type WritePlaceholder } from './queries.js';
import { readImage } from './read-image.js';

/** An INSERT: its rows are found by their keys after it has run. */
export async function captureInsert(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  checkTable(table, 'insert');
  const found = insertedKeyCondition(
    table,
    statement,
    context.session.facts.dialect.server,
    (value: InsertValue) =>
      value.kind === 'placeholder'
        ? write(value.index)
        : 'expression' in value
          ? inlineClause(value.expression, write)
          : null,
  );
  if ('refused' in found) {
    throw new GlobalTxError(
      'STATEMENT_UNSUPPORTED',
      `INSERT into ${table.schema}.${table.name} is not supported inside a global transaction: ${found.refused}.`,
      { construct: found.refused },
    );
  }
  const counts = await run();
  const image = await readImage(context, table, (plan, current) => {
    const reference = referenceOf({ schema: current.schema, name: current.name, alias: null });
    const from = `${reference} ${keyIndexHint(current)}`;
    return `SELECT ${plan.selectList(reference)} FROM ${from} WHERE ${found.condition} FOR UPDATE`;
  });
  if (counts.matched !== image.rows.length) {
    throw mismatch('INSERT', table, image.rows.length, counts.matched);
  }
  for (const { identity, row } of image.rows) {
    context.touched.add(image.table, { identity, before: null, keyed: row });
  }
}
