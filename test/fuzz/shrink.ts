import {
  type BranchPlan,
  type Piece,
  type Plan,
  type RowPlan,
  type SessionPlan,
  type StepPlan,
  type TablePlan,
  type TransactionPlan,
  USUAL_SESSION,
} from './plan.js';

function without<T>(items: readonly T[], from: number, count = 1): T[] {
  return [...items.slice(0, from), ...items.slice(from + count)];
}

function replaced<T>(items: readonly T[], at: number, item: T): T[] {
  return items.map((old, index) => (index === at ? item : old));
}

/** The list without one of its parts, in every way; larger parts first. */
function* shorter<T>(items: readonly T[], least = 0): Generator<T[]> {
  for (let count = Math.ceil(items.length / 2); count >= 1; count = count === 1 ? 0 : Math.ceil(count / 2)) {
    if (items.length - count < least) continue;
    for (let from = items.length - count; from >= 0; from -= count) yield without(items, from, count);
  }
}

function* eachSmaller<T>(items: readonly T[], smaller: (item: T) => Iterable<T>): Generator<T[]> {
  for (const [at, item] of items.entries()) for (const less of smaller(item)) yield replaced(items, at, less);
}

function* smallerPieces(piece: Piece): Generator<Piece> {
  if (typeof piece === 'string') return;
  if (Array.isArray(piece)) {
    yield* eachSmaller(piece as readonly Piece[], smallerPieces);
    return;
  }
  const part = piece as Exclude<Piece, string | readonly Piece[]>;
  if ('items' in part) {
    for (const items of shorter(part.items, part.least)) yield { ...part, items };
    for (const items of eachSmaller(part.items, smallerPieces)) yield { ...part, items };
  } else if ('rows' in part) {
    for (const rows of shorter(part.rows, 1)) yield { ...part, rows };
    const { columns } = part;
    if (columns === null) return;
    for (let at = columns.length - 1; at >= 0; at--) {
      yield { columns: without(columns, at), rows: part.rows.map((row) => without(row, at)) };
    }
  }
}

function* smallerSteps(step: StepPlan): Generator<StepPlan> {
  for (const pieces of smallerPieces(step.pieces)) yield { ...step, pieces };
  if (step.bind) yield { ...step, bind: false };
  if (step.sendBy !== 'query') yield { ...step, sendBy: 'query' };
}

function* usualSessions(session: SessionPlan): Generator<SessionPlan> {
  for (const name of Object.keys(USUAL_SESSION) as (keyof SessionPlan)[]) {
    if (session[name] !== USUAL_SESSION[name]) yield { ...session, [name]: USUAL_SESSION[name] };
  }
}

function* smallerBranches(branch: BranchPlan): Generator<BranchPlan> {
  for (const steps of shorter(branch.steps)) yield { ...branch, steps };
  if (branch.end === 'rollback') yield { ...branch, end: 'commit' };
  if (branch.mode !== 'autocommit') yield { ...branch, mode: 'autocommit', end: 'commit' };
  if (branch.mode === 'method' || branch.mode === 'implicit') yield { ...branch, mode: 'text' };
  for (const session of usualSessions(branch.session)) yield { ...branch, session };
  for (const steps of eachSmaller(branch.steps, smallerSteps)) yield { ...branch, steps };
}

function* smallerTransactions(transaction: TransactionPlan): Generator<TransactionPlan> {
  for (const branches of shorter(transaction.branches)) yield { ...transaction, branches };
  if (transaction.profile !== 'plain') yield { ...transaction, profile: 'plain' };
  for (const branches of eachSmaller(transaction.branches, smallerBranches))
    yield { ...transaction, branches };
}

function* smallerTables(table: TablePlan): Generator<TablePlan> {
  for (const clauses of shorter(table.clauses)) yield { ...table, clauses };
  for (let at = table.columns.length - 1; at >= 0; at--) {
    const { name } = table.columns[at]!;
    const stays = ({ needs }: { readonly needs: readonly string[] }) => !needs.includes(name);
    yield {
      ...table,
      columns: without(table.columns, at).filter(stays),
      clauses: table.clauses.filter(stays),
    };
  }
  for (let at = table.columns.length - 1; at >= 0; at--) {
    const column = table.columns[at]!;
    const plain = column.definition.replace(/ (?:DEFAULT .*|INVISIBLE.*)$/s, '');
    if (plain !== column.definition) {
      yield { ...table, columns: replaced(table.columns, at, { ...column, definition: plain }) };
    }
  }
}

/** First rows lose the columns that their table has lost. */
function fitted(plan: Plan): Plan {
  const rows = plan.rows.map((row) => {
    const names = plan.tables[row.table]?.columns.map(({ name }) => name) ?? [];
    const { columns } = row.rows;
    if (columns === null) return row;
    const kept = columns.flatMap((name, at) => (names.includes(name) ? [at] : []));
    if (kept.length === columns.length) return row;
    return {
      ...row,
      rows: {
        columns: kept.map((at) => columns[at]!),
        rows: row.rows.rows.map((values) => kept.map((at) => values[at]!)),
      },
    };
  });
  return { ...plan, rows };
}

function* smallerRows(row: RowPlan): Generator<RowPlan> {
  for (const less of smallerPieces(row.rows)) {
    if (typeof less === 'object' && 'rows' in less) yield { ...row, rows: less };
  }
}

/** Ways to leave something out, the coarse ones first: they make every later attempt quicker. */
const PHASES: readonly ((plan: Plan) => Generator<Plan>)[] = [
  function* (plan) {
    for (const transactions of shorter(plan.transactions, 1)) yield { ...plan, transactions };
  },
  function* (plan) {
    for (const [at, table] of plan.tables.entries()) {
      if (table.columns.length === 0) continue;
      const tables = replaced(plan.tables, at, { ...table, columns: [], clauses: [] });
      yield { ...plan, tables, rows: plan.rows.filter((row) => row.table !== at) };
    }
  },
  function* (plan) {
    for (const rows of shorter(plan.rows)) yield { ...plan, rows };
  },
  function* (plan) {
    for (const transactions of eachSmaller(plan.transactions, smallerTransactions))
      yield { ...plan, transactions };
  },
  function* (plan) {
    for (const tables of eachSmaller(plan.tables, smallerTables)) yield fitted({ ...plan, tables });
  },
  function* (plan) {
    for (const rows of eachSmaller(plan.rows, smallerRows)) yield { ...plan, rows };
  },
];

/** How much there is to read. */
function size(plan: Plan): number {
  return JSON.stringify(plan, (_, value) => (typeof value === 'bigint' ? String(value) : value)).length;
}

/** What is simpler may be a little longer: a value written out instead of bound. */
const MORE = 40;

/**
 * A plan as small as can be found in the time given that still fails: each way to leave something out is tried,
 * over again from every smaller plan, until none fails any more.
 * @param fails whether the smaller plan breaks the same rule
 */
export async function shrink(
  plan: Plan,
  fails: (plan: Plan) => Promise<boolean>,
  limitMs: number,
): Promise<Plan> {
  const deadline = Date.now() + limitMs;
  let smallest = plan;
  const trySmaller = async (phase: (typeof PHASES)[number]): Promise<boolean> => {
    for (const smaller of phase(smallest)) {
      if (Date.now() > deadline) return false;
      if (size(smaller) > size(smallest) + MORE || !(await fails(smaller))) continue;
      smallest = smaller;
      return true;
    }
    return false;
  };
  for (let progress = true; progress; ) {
    progress = false;
    for (const phase of PHASES) while (await trySmaller(phase)) progress = true;
  }
  return smallest;
}
