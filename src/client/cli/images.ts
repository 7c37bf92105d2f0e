import { GlobalTxError } from '../../protocol/errors.js';
import { type ReadableRow, readableRow } from '../at/image/readable.js';
import type { Row } from '../at/image/row.js';
import { CompensationTables } from '../at/resource/compensation-tables.js';
import { readIdentity } from '../at/resource/identity.js';
import { createSessionSource } from '../at/resource/raw-session.js';
import type { RowState } from '../at/undo/dirty-check.js';
import { type ShownBranch, type ShownTable, showBranch } from '../at/undo/show-branch.js';
import { parseDatabaseUrl } from './database-url.js';
import type { BranchFacts } from './facts.js';
import { plain, table } from './text.js';

/** What the undo log of a database holds of a branch, with values as text. */
export interface BranchImages {
  readonly branchId: string;
  readonly record: ShownBranch['record'];
  readonly tables: readonly TableImages[];
}

interface TableImages {
  readonly table: string;
  readonly exists: boolean;
  readonly key: readonly string[];
  readonly rows: readonly RowImages[];
}

interface RowImages {
  readonly state: RowState['state'];
  /** 'id = 7: qty changed'; empty where nobody else has changed the row. */
  readonly dirty: readonly string[];
  readonly before: Values;
  readonly after: Values;
  readonly present: readonly Values[];
}

type Values = ReadableRow | null;

/**
 * Reads what this database's undo log holds of the branches that belong to it.
 * @throws GlobalTxError INVALID_OPTION, NO_DATABASE; the server's errors
 */
export async function branchImages(
  url: string,
  xid: string,
  branches: readonly BranchFacts[],
): Promise<readonly BranchImages[]> {
  const { schema, options } = parseDatabaseUrl(url);
  const sessions = createSessionSource(options, { limit: 1 });
  try {
    return await sessions.withSession(async (executor) => {
      const identity = await readIdentity(executor, schema);
      if (identity === undefined) {
        throw new GlobalTxError(
          'NO_DATABASE',
          `the database '${schema}' takes no part in global transactions`,
        );
      }
      const { server, resourceId } = identity;
      const tables = new CompensationTables();
      const images: BranchImages[] = [];
      for (const { branchId, resourceId: owner } of branches) {
        if (owner !== resourceId) continue;
        images.push(described(await showBranch(executor, { xid, branchId, schema, server, tables })));
      }
      return images;
    });
  } finally {
    sessions.close();
  }
}

function described({ branchId, record, tables }: ShownBranch): BranchImages {
  return { branchId, record, tables: tables.map(describedTable) };
}

function describedTable(shown: ShownTable): TableImages {
  const { schema, table: name, columns, key, exists, rows } = shown;
  const values = (row: Row | null): Values => row && readableRow(columns, row);
  return {
    table: `${schema}.${name}`,
    exists,
    key,
    rows: rows.map(({ state, dirty, before, after, present }) => ({
      state,
      dirty: dirty.map(
        ({ key: where, columns: which, found }) =>
          `${where}: ${which.length > 0 ? `${which.join(', ')} changed` : `the row has ${found === 'changed' ? 'changed' : found === 'gone' ? 'gone' : 'come'}`}`,
      ),
      before: values(before),
      after: values(after),
      present: present.map(values),
    })),
  };
}

const STATES: { readonly [Name in RowState['state']]: string } = {
  after: 'as the branch left it',
  before: 'restored',
  dirty: 'CHANGED BY SOMEBODY ELSE',
};

/** The same for people. */
export function imagesText({ branchId, record, tables }: BranchImages, limit: number): string {
  switch (record) {
    case 'none':
      return `branch ${branchId}: the undo log has no row of it: nothing was committed there, or the row was taken away\n`;
    case 'defence':
      return `branch ${branchId}: the undo log has a defence record: the branch is undone, or its phase one never came; it cannot come any more\n`;
    case 'images':
      return tables.map((shown) => tableText(branchId, shown, limit)).join('\n');
  }
}

function tableText(branchId: string, shown: TableImages, limit: number): string {
  const gone = shown.exists ? '' : ' (the table is not there any more)';
  const title = `branch ${branchId}, ${plain(shown.table)}${gone}:\n`;
  const rows = shown.rows.slice(0, limit).map((row) => rowText(shown.key, row));
  const more = shown.rows.length > limit ? `... and ${shown.rows.length - limit} more rows\n` : '';
  return [title, ...rows, more].join('');
}

/** The key and every column in which before, after and now differ: the others say nothing. */
function rowText(key: readonly string[], row: RowImages): string {
  const [present = null] = row.present;
  const columns = Object.keys(row.after ?? row.before ?? {});
  const differ = columns.filter((name) => {
    const values = [row.before, row.after, present].map((image) => cell(image, name));
    return key.includes(name) || new Set(values).size > 1;
  });
  const lines = differ.map((name) => [
    `    ${plain(name)}`,
    ...[row.before, row.after, present].map((image) => cell(image, name)),
  ]);
  const dirty = row.dirty.map((text) => `    ${plain(text)}\n`).join('');
  return `  ${STATES[row.state]}\n${dirty}${table(['    COLUMN', 'BEFORE', 'AFTER', 'NOW'], lines)}`;
}

/** No value can look like the absence of one: text is quoted. */
function cell(image: Values, column: string): string {
  if (image === null) return '(no row)';
  const value = image[column];
  return value === null || value === undefined ? 'NULL' : JSON.stringify(value);
}
