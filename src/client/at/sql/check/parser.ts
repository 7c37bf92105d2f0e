import parserModule from 'node-sql-parser/build/mysql.js';

/** What the parser saw in a form, in the form's own names. */
export interface Reading {
  readonly type: string;
  readonly tables: readonly {
    readonly schema: string | null;
    readonly name: string;
    readonly alias: string | null;
    /** A subquery. */
    readonly derived: boolean;
  }[];
  /** What a DELETE of several tables names in front of them. */
  readonly targets: readonly { readonly schema: string | null; readonly name: string }[];
  /** The columns listed by an INSERT or assigned by a SET. */
  readonly columns: readonly string[] | null;
  /** The columns that ON DUPLICATE KEY UPDATE assigns; null without it. */
  readonly onDuplicate: readonly string[] | null;
  /** The table in front of each column that a SET assigns. */
  readonly qualifiers: readonly (string | null)[];
  /** Whether an INSERT takes its rows from a query. */
  readonly query: boolean;
  /** How many values each row of VALUES has. */
  readonly rows: readonly number[];
  readonly where: boolean;
  readonly orderBy: boolean;
  readonly limit: boolean;
  readonly locking: boolean;
}

/** The parser's build for MySQL reads the single-table statements of MariaDB too, and more of them than its own build. */
const parser = new parserModule.Parser();

/** Reads a form; null where the parser cannot. */
export function parse(form: string): Reading | null {
  let trees: readonly unknown[];
  try {
    const tree: unknown = parser.astify(form, { database: 'mysql' });
    trees = Array.isArray(tree) ? tree : [tree];
  } catch {
    // A syntax error is an answer: the caller tries another form, or refuses the statement.
    return null;
  }
  return trees.length === 1 && isNode(trees[0]) ? reading(trees[0]) : null;
}

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const nodes = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

function reading(tree: Node): Reading {
  const type = text(tree.type) ?? '';
  const tables = ['insert', 'replace', 'update'].includes(type) ? tree.table : tree.from;
  const limit = isNode(tree.limit) ? tree.limit.value : null;
  return {
    type,
    tables: nodes(tables).map((table) => ({
      schema: text(table.db),
      name: text(table.table) ?? '',
      alias: text(table.as),
      derived: isNode(table.expr),
    })),
    targets: type === 'delete' ? targets(tree.table) : [],
    qualifiers: nodes(tree.set).map((assignment) => text(assignment.table)),
    columns: columns(tree),
    onDuplicate: isNode(tree.on_duplicate_update) ? assigned(tree.on_duplicate_update) : null,
    query: isNode(tree.values) && tree.values.type === 'select',
    rows: isNode(tree.values) ? nodes(tree.values.values).map((row) => nodes(row.value).length) : [],
    where: isNode(tree.where),
    orderBy: nodes(tree.orderby).length > 0,
    limit: nodes(limit).length > 0,
    locking: text(tree.locking_read) !== null,
  };
}

function assigned(tree: Node): readonly string[] {
  return nodes(tree.set).map((assignment) => text(assignment.column) ?? '');
}

/** The parser repeats the table of a DELETE of one table, and marks it. */
function targets(tables: unknown): Reading['targets'] {
  return nodes(tables)
    .filter((table) => table.addition !== true)
    .map((table) => ({ schema: text(table.db), name: text(table.table) ?? '' }));
}

function columns(tree: Node): readonly string[] | null {
  if (Array.isArray(tree.set)) return assigned(tree);
  return Array.isArray(tree.columns) ? tree.columns.map((column) => text(column) ?? '') : null;
}
