import type { SqlExecutor } from '../executor.js';
import type { ColumnDefinition, ColumnIndexed } from './definition.js';
import { expressionText } from './expression-text.js';
import { readCatalogue, textLiteral } from './information-schema.js';

/** A table as the catalogue spells it. */
export interface CatalogueTable {
  readonly schema: string;
  readonly name: string;
  readonly server: 'mysql' | 'mariadb';
}

/** Names of collations and character sets are written into queries without quotes. */
function plainName(name: string): string {
  if (!/^\w+$/.test(name)) throw new Error(`The server names a collation '${name}', which is no plain word.`);
  return name;
}

/** MariaDB says by the name alone whether trailing spaces count; MySQL has a column for it. */
async function paddingCollations(
  executor: SqlExecutor,
  server: 'mysql' | 'mariadb',
  collations: readonly string[],
): Promise<readonly string[]> {
  if (collations.length === 0) return [];
  if (server === 'mariadb')
    return collations.filter((name) => !/_nopad(_|$)/.test(name) && name !== 'binary');
  const names = collations.map(textLiteral).join(', ');
  const rows = await readCatalogue(
    executor,
    { name: 'COLLATION_NAME' },
    `FROM information_schema.COLLATIONS WHERE PAD_ATTRIBUTE = 'PAD SPACE' AND COLLATION_NAME IN (${names})`,
  );
  return rows.map(({ name }) => name ?? '');
}

/**
 * How many levels of weights two values are compared by, one after the other, each padded on its own. Of the
 * collations that pad, only MariaDB's from UCA 14.0.0 have more than one.
 */
function levels(server: 'mysql' | 'mariadb', collation: string): readonly string[] {
  const several = server === 'mariadb' && /_uca1400_/.test(collation) && /_as_|_cs$/.test(collation);
  return several ? [' LEVEL 1', ' LEVEL 2', ' LEVEL 3'] : [''];
}

async function spaceWeights(
  executor: SqlExecutor,
  server: 'mysql' | 'mariadb',
  columns: readonly { readonly charset: string | null; readonly collation: string | null }[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const charsets = new Map<string, string>();
  for (const { charset, collation } of columns) {
    if (charset !== null && collation !== null) charsets.set(collation, charset);
  }
  const weights = new Map<string, readonly string[]>();
  for (const collation of await paddingCollations(executor, server, Array.from(charsets.keys()))) {
    const charset = charsets.get(collation);
    if (charset === undefined) continue;
    const space = `CONVERT(_utf8mb4 X'20' USING ${plainName(charset)}) COLLATE ${plainName(collation)}`;
    const list = levels(server, collation).map((level) => `HEX(WEIGHT_STRING(${space}${level}))`);
    const expressions = Object.fromEntries(list.map((expression, index) => [`level${index}`, expression]));
    const [row] = await readCatalogue(executor, expressions, '');
    weights.set(
      collation,
      Object.values(row ?? {}).map((weight) => weight ?? ''),
    );
  }
  return weights;
}

/** A default that is one value for all rows. MariaDB gives the expression's text, MySQL marks expressions. */
function isConstant(server: 'mysql' | 'mariadb', text: string | null, extra: string): boolean {
  if (text === null) return false;
  if (server === 'mysql') return !/DEFAULT_GENERATED/i.test(extra) && !/^current_timestamp/i.test(text);
  return /^(?:'(?:[^'\\]|''|\\.)*'|-?[\d.]+(?:e[+-]?\d+)?)$/is.test(text);
}

function defaultExpression(server: 'mysql' | 'mariadb', text: string | null, extra: string): string | null {
  if (text === null || text.toUpperCase() === 'NULL' || isConstant(server, text, extra)) return null;
  return expressionText(server, text);
}

/** Every column of the table, in its order. */
export async function loadColumns(
  executor: SqlExecutor,
  { schema, name, server }: CatalogueTable,
): Promise<readonly ColumnDefinition[]> {
  const rows = await readCatalogue(
    executor,
    {
      table: 'TABLE_NAME',
      name: 'COLUMN_NAME',
      dataType: 'DATA_TYPE',
      columnType: 'COLUMN_TYPE',
      nullable: 'IS_NULLABLE',
      charset: 'CHARACTER_SET_NAME',
      collation: 'COLLATION_NAME',
      maxLength: 'CHARACTER_MAXIMUM_LENGTH',
      extra: 'EXTRA',
      indexed: 'COLUMN_KEY',
      defaultValue: 'COLUMN_DEFAULT',
      expression: 'GENERATION_EXPRESSION',
    },
    `FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${textLiteral(schema)} ` +
      `AND TABLE_NAME = ${textLiteral(name)} ORDER BY ORDINAL_POSITION`,
  );
  const own = rows.filter((row) => row.table === name);
  const weights = await spaceWeights(executor, server, own);
  return own.map((row, position) => {
    const extra = row.extra ?? '';
    const nullable = row.nullable === 'YES';
    return {
      name: row.name ?? '',
      position,
      dataType: (row.dataType ?? '').toLowerCase(),
      columnType: row.columnType ?? '',
      nullable,
      charset: row.charset,
      collation: row.collation,
      spaceWeights: (row.collation === null ? undefined : weights.get(row.collation)) ?? null,
      maxLength: row.charset === null || row.maxLength === null ? null : Number(row.maxLength),
      autoIncrement: /auto_increment/i.test(extra),
      generated: (row.expression ?? '') !== '',
      generation: (row.expression ?? '') === '' ? null : expressionText(server, row.expression ?? ''),
      updatesItself: /on update/i.test(extra),
      invisible: /INVISIBLE/i.test(extra),
      indexed: (row.indexed ?? '') as ColumnIndexed,
      hasDefault: row.defaultValue !== null || nullable,
      constantDefault: isConstant(server, row.defaultValue, extra),
      defaultExpression: defaultExpression(server, row.defaultValue, extra),
      // MariaDB spells the default NULL out.
      nullByDefault: nullable && (row.defaultValue ?? 'NULL').toUpperCase() === 'NULL',
    };
  });
}
