import {
  type DatabaseIndex,
  type List,
  type Piece,
  type Plan,
  quote,
  type Rows,
  type SessionPlan,
  type StepPlan,
  type Value,
} from './plan.js';

/** Where a plan is played: the names of its two databases, and what tells its tables from those of other runs. */
export interface Place {
  readonly databases: readonly [string, string];
  readonly prefix: string;
}

export interface Rendered {
  readonly sql: string;
  readonly values: readonly Value['bound'][];
}

export function tableName(place: Place, table: number): string {
  return `${place.prefix}t${table}`;
}

export function viewName(place: Place, view: number): string {
  return `${place.prefix}v${view}`;
}

function isList(piece: List | Rows | Value): piece is List {
  return 'items' in piece;
}

function isRows(piece: Rows | Value): piece is Rows {
  return 'rows' in piece;
}

class Renderer {
  readonly values: Value['bound'][] = [];
  readonly #bind: boolean;

  constructor(bind: boolean) {
    this.#bind = bind;
  }

  text(piece: Piece): string {
    if (typeof piece === 'string') return piece;
    if (Array.isArray(piece)) return (piece as readonly Piece[]).map((part) => this.text(part)).join('');
    const part = piece as List | Rows | Value;
    if (isList(part)) {
      if (part.items.length === 0) return '';
      return part.before + part.items.map((item) => this.text(item)).join(part.separator);
    }
    if (isRows(part)) return this.#rows(part);
    if (!this.#bind || part.bound === undefined) return part.sql;
    this.values.push(part.bound);
    return '?';
  }

  #rows({ columns, rows }: Rows): string {
    const list = columns === null ? '' : `(${columns.join(', ')}) `;
    return `${list}VALUES ${rows.map((row) => `(${row.map((value) => this.text(value)).join(', ')})`).join(', ')}`;
  }
}

/** The text of pieces with values written in; tables are still tokens. */
export function plainText(piece: Piece): string {
  return new Renderer(false).text(piece);
}

/** Puts the names of tables in; those of the other database than the session's are qualified. */
export function withNames(sql: string, plan: Plan, place: Place, database: DatabaseIndex): string {
  return sql.replace(/«(v?)(\d+)»/g, (_, isView: string, digits: string) => {
    const number = Number(digits);
    const table = isView === '' ? number : (plan.views[number]?.table ?? -1);
    const own = plan.tables[table]?.database ?? database;
    const name = quote(isView === '' ? tableName(place, number) : viewName(place, number));
    return own === database ? name : `${quote(place.databases[own])}.${name}`;
  });
}

export function renderStep(step: StepPlan, plan: Plan, place: Place, database: DatabaseIndex): Rendered {
  const renderer = new Renderer(step.bind);
  const sql = withNames(renderer.text(step.pieces), plan, place, database);
  return { sql, values: renderer.values };
}

export function setSession({
  timestamp,
  sqlMode,
  timeZone,
  isolation,
  names,
}: SessionPlan): readonly string[] {
  return [
    `SET NAMES ${names}`,
    `SET timestamp = ${timestamp}, sql_mode = ${sqlMode}, time_zone = ${timeZone}`,
    `SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`,
    'SELECT LAST_INSERT_ID(0)',
  ];
}

export function createTable(plan: Plan, place: Place, table: number): string {
  const { columns, clauses, options, database } = plan.tables[table]!;
  const lines = [
    ...columns.map(({ name, definition }) => `${name} ${definition}`),
    ...clauses.map(({ text }) => text),
  ];
  return withNames(`CREATE TABLE «${table}» (\n  ${lines.join(',\n  ')}\n)${options}`, plan, place, database);
}

/** Of the columns that its table still has. */
export function createView(plan: Plan, place: Place, view: number): string {
  const { table, columns, rest } = plan.views[view]!;
  const { database, columns: base } = plan.tables[table]!;
  const shown = columns.filter(([, column]) => base.some(({ name }) => name === column));
  const names = shown.map(([name]) => name).join(', ');
  const list = shown.map(([, column]) => column).join(', ');
  return withNames(
    `CREATE VIEW «v${view}» (${names}) AS SELECT ${list} FROM «${table}»${rest}`,
    plan,
    place,
    database,
  );
}

/** The views of one database's tables, as far as these are made. */
export function viewsOf({ tables, views }: Plan, database: DatabaseIndex): readonly number[] {
  return views.flatMap(({ table }, at) => {
    const base = tables[table];
    return base !== undefined && base.database === database && base.columns.length > 0 ? [at] : [];
  });
}

/** The statement that puts one of the first rows in: what a table does not take stays out. */
export function firstRow(plan: Plan, place: Place, row: number): string {
  const { table, rows } = plan.rows[row]!;
  const database = plan.tables[table]?.database ?? 0;
  return withNames(`INSERT IGNORE INTO «${table}» ${plainText(rows)}`, plan, place, database);
}
