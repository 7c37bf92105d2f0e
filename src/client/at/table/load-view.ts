import type { SqlExecutor } from '../executor.js';
import { readViewDefinition, type ViewDefinitionText } from '../sql/view-definition.js';
import { tableUnsupported } from './check.js';
import { readCatalogue, textLiteral } from './information-schema.js';
import type { CatalogueTable } from './load-columns.js';
import { columnBehind, type ViewDefinition } from './view.js';

/** What the catalogue says of one view: a line for each of its columns. */
type Level = readonly {
  readonly column: string | null;
  readonly definition: string | null;
  readonly updatable: string | null;
}[];

/** Nothing where there is no view of that name. */
async function readLevel(executor: SqlExecutor, schema: string, name: string): Promise<Level> {
  const [inSchema, ofName] = [textLiteral(schema), textLiteral(name)];
  const rows = await readCatalogue(
    executor,
    {
      view: 'v.TABLE_NAME',
      of: 'c.TABLE_NAME',
      column: 'c.COLUMN_NAME',
      definition: 'v.VIEW_DEFINITION',
      updatable: 'v.IS_UPDATABLE',
    },
    'FROM information_schema.VIEWS v CROSS JOIN information_schema.COLUMNS c ' +
      `WHERE v.TABLE_SCHEMA = ${inSchema} AND v.TABLE_NAME = ${ofName} ` +
      `AND c.TABLE_SCHEMA = ${inSchema} AND c.TABLE_NAME = ${ofName} ORDER BY c.ORDINAL_POSITION`,
  );
  return rows
    .filter(({ view, of }) => view === name && of === name)
    .map(({ column, definition, updatable }) => ({ column, definition, updatable }));
}

function understood(view: CatalogueTable, level: Level): ViewDefinitionText {
  const refuse = (construct: string, help = 'Use the table that it is made of.') =>
    tableUnsupported(view.schema, view.name, construct, help);
  const [first] = level;
  if (!first?.definition) {
    throw refuse('view whose definition the account may not see', 'Grant it SHOW VIEW.');
  }
  const read = readViewDefinition(first.definition, view.server);
  if ('refused' in read) throw refuse(read.refused);
  // The server's word counts for what the text does not tell: ALGORITHM = TEMPTABLE.
  if (first.updatable !== 'YES') throw refuse('view that cannot be updated');
  if (read.columns.length !== level.length)
    throw refuse('view whose columns are not those of its definition');
  return read;
}

/**
 * Reads the definition of a view, and of the views that it is made of.
 * @returns undefined when the catalogue shows no such view
 * @throws GlobalTxError TABLE_UNSUPPORTED where its rows are not for certain those of one table
 */
export async function loadView(
  executor: SqlExecutor,
  view: CatalogueTable,
): Promise<ViewDefinition | undefined> {
  const levels: Level[] = [];
  let columns: ReadonlyMap<string, string> | undefined;
  let conditional = false;
  for (let at: CatalogueTable = view; ; ) {
    const level = await readLevel(executor, at.schema, at.name);
    if (level.length === 0) {
      if (columns === undefined) return undefined;
      const base = { schema: at.schema, name: at.name };
      const shown = new Set(Array.from(columns.values(), (column) => column.toLowerCase()));
      const plain = shown.size === levels[0]?.length;
      return { ...view, base, columns, plain, conditional, fingerprint: JSON.stringify(levels) };
    }
    const { from, columns: shown, conditional: narrows } = understood(at, level);
    const own = new Map(level.flatMap(({ column }, index) => pair(column, shown[index])));
    columns = columns === undefined ? own : through(columns, own);
    conditional ||= narrows;
    levels.push(level);
    at = { schema: from.schema ?? at.schema, name: from.name, server: at.server };
  }
}

function pair(
  name: string | null,
  column: string | null | undefined,
): readonly (readonly [string, string])[] {
  return name === null || column === null || column === undefined ? [] : [[name, column]];
}

function through(
  outer: ReadonlyMap<string, string>,
  inner: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return new Map(Array.from(outer).flatMap(([name, column]) => pair(name, columnBehind(inner, column))));
}
