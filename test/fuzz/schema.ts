import type { Dice } from '../simulation/dice.js';
import type { DatabaseKind } from '../support/servers.js';
import { type ColumnType, columnTypes, keyTypes } from './column-types.js';
import {
  type ClausePlan,
  type ColumnPlan,
  type DatabaseIndex,
  quote,
  type TablePlan,
  tableToken,
} from './plan.js';

/** What statements are made from: a column as the generator knows it. */
export interface Column {
  /** Quoted. */
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly generated: boolean;
  readonly invisible: boolean;
  readonly autoIncrement: boolean;
  readonly hasDefault: boolean;
  /** Whether the server may write the empty value where an UPDATE that reads other tables says DEFAULT. */
  readonly losesDefaultInJoins?: boolean;
}

export interface Table {
  readonly server: DatabaseKind;
  readonly number: number;
  /** How statements name it, or the view of it. */
  readonly token: string;
  readonly database: DatabaseIndex;
  readonly columns: readonly Column[];
  /** Quoted names. */
  readonly key: readonly string[];
  readonly uniques: readonly (readonly string[])[];
  /** The table that a foreign key of this one refers to, column by column. */
  readonly parent:
    | { readonly table: number; readonly column: string; readonly parentColumn: string }
    | undefined;
  readonly plan: TablePlan;
}

const ODD_NAMES = ['select', 'a b', 'back`tick', "it's", 'q?x', 'semi;colon', 'Key', '--', 'c"q', 'c"'];

const TABLE_COLLATIONS: Readonly<Record<DatabaseKind, readonly string[]>> = {
  mariadb: ['utf8mb4_general_ci', 'utf8mb4_unicode_ci', 'latin1_swedish_ci', 'utf8mb4_nopad_bin'],
  mysql: ['utf8mb4_0900_ai_ci', 'utf8mb4_general_ci', 'latin1_swedish_ci', 'utf8mb4_bin'],
};

const MAYBE_NULL = 0.6;

/** A table while it is being made. */
class Draft {
  readonly columns: Column[] = [];
  readonly plans: ColumnPlan[] = [];
  readonly clauses: ClausePlan[] = [];
  readonly uniques: string[][] = [];
  parent: Table['parent'];

  constructor(
    readonly number: number,
    readonly database: DatabaseIndex,
    readonly server: DatabaseKind,
    readonly dice: Dice,
  ) {}

  name(): string {
    const at = this.columns.length;
    const name = this.dice.chance(0.07) ? this.dice.pick(ODD_NAMES) : `c${at}`;
    const quoted = quote(name);
    return this.columns.some((column) => column.name.toLowerCase() === quoted.toLowerCase())
      ? quote(`c${at}`)
      : quoted;
  }

  add(column: Column, definition: string, needs: readonly string[] = []): Column {
    this.columns.push(column);
    this.plans.push({ name: column.name, definition, needs });
    return column;
  }

  clause(text: string, needs: readonly string[]): void {
    this.clauses.push({ text, needs });
  }
}

function constantDefault(draft: Draft, type: ColumnType): string | undefined {
  const { dice, server } = draft;
  const value = dice.pick(type.values);
  switch (type.family) {
    case 'date':
    case 'timestamp': {
      if (/^DATE$/.test(type.sql)) return value;
      const fraction = /\((\d)\)/.exec(type.sql)?.[1];
      const now = `CURRENT_TIMESTAMP${fraction === undefined ? '' : `(${fraction})`}`;
      return dice.pick([now, `${now} ON UPDATE ${now}`, value]);
    }
    case 'json':
    case 'spatial':
    case 'vector':
      return dice.chance(0.5) ? `(${value})` : undefined;
    case 'text':
    case 'bytes':
      if (type.indexed === 'whole' && !value.startsWith('_')) return value;
      return dice.chance(0.5) ? `(${value})` : undefined;
    case 'enum':
    case 'set':
      return undefined;
    default:
      return dice.chance(0.2) && server === 'mariadb' ? `(${value})` : value.replace(/^'(\d+)'$|^\+/, '$1');
  }
}

function addPlainColumn(draft: Draft, type: ColumnType, required = false): Column {
  const { dice, server } = draft;
  const nullable = !required && dice.chance(MAYBE_NULL);
  const given = dice.chance(0.4) ? constantDefault(draft, type) : undefined;
  const invisible = !required && dice.chance(0.06) && (nullable || given !== undefined);
  const name = draft.name();
  // SRID and other attributes are none of the random ones; NULL must be said, or old TIMESTAMPs are NOT NULL.
  const parts = [type.sql, nullable ? 'NULL' : 'NOT NULL'];
  if (given !== undefined) parts.push(`DEFAULT ${given}`);
  if (invisible) parts.push('INVISIBLE');
  if (server === 'mysql' && type.sql.startsWith('VECTOR') && given !== undefined) parts.splice(2, 1);
  return draft.add(
    {
      name,
      type,
      nullable,
      generated: false,
      invisible,
      autoIncrement: false,
      hasDefault: given !== undefined || nullable,
      // MySQL 9.7 does where it keeps the new values in a temporary table, which is a matter of its plan.
      losesDefaultInJoins: server === 'mysql' && given?.startsWith('(') === true,
    },
    parts.join(' '),
  );
}

function generation(column: Column): readonly [type: string, expression: string] | undefined {
  const { name, type } = column;
  switch (type.family) {
    case 'integer':
      return ['DECIMAL(30,2)', `${name} * 2 + 1`];
    case 'decimal':
      return ['DECIMAL(65,20)', `${name} / 4`];
    case 'text':
      // What is made from a CHAR depends on the reader's PAD_CHAR_TO_FULL_LENGTH.
      if (type.sql.startsWith('CHAR')) return undefined;
      return [`VARCHAR(60) CHARACTER SET utf8mb4`, `LEFT(CONCAT(${name}, '/', ${name}), 20)`];
    case 'bytes':
      return ['VARBINARY(80)', `LEFT(${name}, 3)`];
    case 'float':
      return ['DOUBLE', `-${name}`];
    default:
      return undefined;
  }
}

function addGeneratedColumn(draft: Draft): void {
  const { dice } = draft;
  const base = dice.pick(
    draft.columns
      .filter(({ generated, autoIncrement }) => !generated && !autoIncrement)
      .concat(draft.columns[0]!),
  );
  const made = base.autoIncrement ? undefined : generation(base);
  if (made === undefined) return;
  const [sql, expression] = made;
  const stored = dice.pick(['VIRTUAL', 'STORED']);
  const type: ColumnType = { sql, family: base.type.family, values: base.type.values, indexed: 'whole' };
  const name = draft.name();
  draft.add(
    { name, type, nullable: true, generated: true, invisible: false, autoIncrement: false, hasDefault: true },
    `${sql} AS (${expression}) ${stored}`,
    [base.name],
  );
  if (dice.chance(0.2)) addUnique(draft, [draft.columns.at(-1)!]);
}

function indexPart(draft: Draft, { name, type }: Column): string {
  const prefix =
    type.indexed === 'prefix' || (draft.dice.chance(0.15) && /^(?:VAR)?(?:CHAR|BINARY)\(/.test(type.sql));
  return prefix ? `${name}(${draft.dice.between(1, 3)})` : name;
}

/**
 * MySQL 9.7 takes a row without a parent where the index that it checks the foreign key by has a NULL in another
 * column: such children are there before their parents, and nobody can tell them from rows of others.
 */
function keepsParentsChecked(draft: Draft, columns: readonly Column[]): readonly Column[] {
  const [first] = columns;
  return draft.server === 'mysql' && first?.name === draft.parent?.column ? columns.toReversed() : columns;
}

function addUnique(draft: Draft, columns: readonly Column[]): void {
  const names = columns.map(({ name }) => name);
  const parts = columns.map((column) => indexPart(draft, column)).join(', ');
  draft.uniques.push(names);
  draft.clause(`UNIQUE KEY u${draft.clauses.length} (${parts})`, names);
}

/** A key that follows from another column, which only MySQL has. */
function addGeneratedKey(draft: Draft): readonly string[] {
  const base = addPlainColumn(draft, draft.dice.pick(keyTypes(draft.server)), true);
  const made = generation(base);
  if (made === undefined) return addKey(draft);
  const [sql, expression] = made;
  const type: ColumnType = { sql, family: base.type.family, values: base.type.values, indexed: 'whole' };
  const name = draft.name();
  const facts = {
    nullable: false,
    generated: true,
    invisible: false,
    autoIncrement: false,
    hasDefault: true,
  };
  draft.add({ name, type, ...facts }, `${sql} AS (${expression}) STORED`, [base.name]);
  draft.clause(`PRIMARY KEY (${name})`, [name]);
  return [name];
}

function addKey(draft: Draft): readonly string[] {
  const { dice, server } = draft;
  if (server === 'mysql' && dice.chance(0.03)) return addGeneratedKey(draft);
  if (dice.chance(0.35)) {
    const type = dice.pick(
      keyTypes(server).filter(({ family, sql }) => family === 'integer' && sql !== 'BOOLEAN'),
    );
    const column = draft.add(
      {
        name: draft.name(),
        type,
        nullable: false,
        generated: false,
        invisible: false,
        autoIncrement: true,
        hasDefault: true,
      },
      `${type.sql} NOT NULL AUTO_INCREMENT`,
    );
    const more = dice.chance(0.15) ? [addPlainColumn(draft, dice.pick(keyTypes(server)), true)] : [];
    const names = [column, ...more].map(({ name }) => name);
    draft.clause(`PRIMARY KEY (${names.join(', ')})`, names);
    return names;
  }
  const count = dice.chance(0.3) ? dice.between(2, 3) : 1;
  const columns = Array.from({ length: count }, () =>
    addPlainColumn(draft, dice.pick(keyTypes(server)), true),
  );
  const names = columns.map(({ name }) => name);
  const word = dice.chance(0.15) ? 'UNIQUE KEY only_key' : 'PRIMARY KEY';
  draft.clause(`${word} (${names.join(', ')})`, names);
  return names;
}

const RULES = ['', '', '', ' ON DELETE RESTRICT', ' ON UPDATE NO ACTION'];
const CASCADES = [
  ' ON DELETE CASCADE',
  ' ON DELETE SET NULL',
  ' ON UPDATE CASCADE',
  ' ON DELETE CASCADE ON UPDATE CASCADE',
];

function addParent(draft: Draft, parents: readonly Table[], cascades: boolean): void {
  const { dice } = draft;
  const parent = dice.pick(parents);
  const parentColumn = parent.columns.find(({ name }) => name === parent.key[0])!;
  const column = addPlainColumn(draft, { ...parentColumn.type, sql: parentColumn.type.sql });
  draft.parent = { table: parent.number, column: column.name, parentColumn: parentColumn.name };
  const rule = cascades && dice.chance(0.3) ? dice.pick(CASCADES) : dice.pick(RULES);
  draft.clause(`FOREIGN KEY (${column.name}) REFERENCES ${parent.token} (${parentColumn.name})${rule}`, [
    column.name,
  ]);
}

function addCheck(draft: Draft): void {
  const column = draft.columns.find(
    ({ type, autoIncrement, generated }) => type.family === 'integer' && !autoIncrement && !generated,
  );
  if (column === undefined) return;
  draft.clause(`CHECK (${column.name} <> ${draft.dice.pick(column.type.values)})`, [column.name]);
}

export interface SchemaOptions {
  readonly server: DatabaseKind;
  /** Foreign keys that change other rows by themselves. */
  readonly cascades: boolean;
}

function makeTable(number: number, earlier: readonly Table[], options: SchemaOptions, dice: Dice): Table {
  const { server, cascades } = options;
  const database: DatabaseIndex = dice.chance(0.7) ? 0 : 1;
  const draft = new Draft(number, database, server, dice);
  const key = addKey(draft);
  const types = columnTypes(server);
  for (let count = dice.between(1, 6); count > 0; count--) addPlainColumn(draft, dice.pick(types));
  const parents = earlier.filter((table) => table.database === database && table.key.length === 1);
  if (parents.length > 0 && dice.chance(0.35)) addParent(draft, parents, cascades);
  for (let count = dice.under(3); count > 0; count--) if (dice.chance(0.4)) addGeneratedColumn(draft);
  const indexable = draft.columns.filter(
    ({ name, type, generated }) => type.indexed !== 'no' && !generated && !key.includes(name),
  );
  if (indexable.length > 0 && dice.chance(0.45))
    addUnique(draft, keepsParentsChecked(draft, dice.some(indexable, dice.chance(0.75) ? 1 : 2)));
  if (indexable.length > 0 && dice.chance(0.2)) {
    const column = dice.pick(indexable);
    draft.clause(`KEY k${draft.clauses.length} (${indexPart(draft, column)})`, [column.name]);
  }
  if (dice.chance(0.15)) addCheck(draft);
  const tableOptions = ` ENGINE=InnoDB COLLATE=${dice.pick(TABLE_COLLATIONS[server])}`;
  const { columns, plans, clauses, uniques, parent } = draft;
  return {
    server,
    number,
    token: tableToken(number),
    database,
    columns,
    key,
    uniques,
    parent,
    plan: { database, columns: plans, clauses, options: tableOptions },
  };
}

/** One to four random tables; a later one may refer to an earlier one. */
export function makeTables(options: SchemaOptions, dice: Dice): readonly Table[] {
  const tables: Table[] = [];
  for (let count = dice.between(1, 4); count > 0; count--)
    tables.push(makeTable(tables.length, tables, options, dice));
  return tables;
}
