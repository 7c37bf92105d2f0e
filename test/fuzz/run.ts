import { setTimeout as delay } from 'node:timers/promises';
import { netEffect } from './binary-log.js';
import type { Lane } from './lane.js';
import type { Outcome } from './outcome.js';
import { isWeak, type Plan, type TransactionPlan } from './plan.js';
import { type Outcomes, playSubject, playTwin } from './play.js';
import { type Place, plainText, tableName } from './render.js';
import { difference, Sight, type State } from './state.js';

/** What must hold and did not. */
export interface Mismatch {
  /** Which rule was broken. */
  readonly rule: string;
  readonly detail: string;
  /** Index of the transaction. */
  readonly transaction: number;
}

const CODES = /\b[A-Z]+(?:_[A-Z]+)+\b/g;

/** Whether two mismatches may have the same cause: of the same rule, with the same codes of errors. */
export function alike(one: Mismatch, other: Mismatch): boolean {
  const [codes, others] = [one, other].map(({ detail }) => detail.match(CODES)?.sort().join(' '));
  return one.rule === other.rule && codes === others;
}

export interface Report {
  readonly statements: number;
  /** How many statements were refused, by what they were. */
  readonly refused: ReadonlyMap<string, number>;
  /** Outcomes by kind of statement: succeeded, failed with an error of the server's. */
  readonly kinds: ReadonlyMap<string, { succeeded: number; failed: number; refused: number }>;
  readonly mismatch: Mismatch | undefined;
}

const SETTLE_MS = 15_000;
/** How often tables are made for one plan. */
const ATTEMPTS = 3;

/** The tables of a plan, as they are before it is played. */
interface Prepared {
  readonly subject: Place;
  readonly twin: Place;
  readonly ours: Sight;
  readonly plain: Sight;
  readonly first: State;
}

class Tally {
  statements = 0;
  readonly refused = new Map<string, number>();
  readonly kinds = new Map<string, { succeeded: number; failed: number; refused: number }>();

  count({ branches }: TransactionPlan, outcomes: Outcomes): void {
    branches.forEach(({ steps }, at) => {
      outcomes[at]?.forEach((outcome, step) => {
        this.#one(steps[step]!.kind, outcome);
      });
    });
  }

  /** A statement that could not be kept counts as refused. */
  refuse(construct: string): void {
    this.refused.set(construct, (this.refused.get(construct) ?? 0) + 1);
  }

  #one(kind: string, outcome: Outcome): void {
    this.statements += 1;
    const entry = this.kinds.get(kind) ?? { succeeded: 0, failed: 0, refused: 0 };
    this.kinds.set(kind, entry);
    if (outcome.kind === 'refused') {
      entry.refused += 1;
      this.refuse(outcome.construct.replace(/`[^`]*`/g, '`…`'));
    } else if (isError(outcome) || outcome.kind === 'broken') entry.failed += 1;
    else entry.succeeded += 1;
  }
}

/**
 * A statement that is bound to rows by key warns of nothing in its own condition, and counts its rows anew. Of one
 * whose condition it knows to be false, MariaDB does not say that it matched nothing.
 */
function withoutWarnings(text: string): string {
  return text.replace(/ +Warnings: \d+| warningStatus=\d+| at row \d+|Rows matched: 0 {2}Changed: 0/g, '');
}

/** Statements that another may run in the place of, whatever the isolation level. */
const BOUND = / LIMIT \d|\(SELECT | ON DUPLICATE KEY UPDATE |^REPLACE |^INSERT (?:IGNORE )?INTO .* SELECT /s;

/**
 * Statements that may use up more AUTO_INCREMENT values than they store, and other numbers of them when they are bound.
 * Where none of them is stored, MySQL answers a query's INSERT with a given value, and VALUES with that of the last row.
 */
const COUNTING: ReadonlySet<string> = new Set([
  'INSERT ... SELECT',
  'INSERT IGNORE ... SELECT',
  'REPLACE ... SELECT',
  'INSERT IGNORE',
  'ON DUPLICATE KEY UPDATE',
  'REPLACE',
]);

function isError(outcome: Outcome): boolean {
  return outcome.kind === 'answered' && outcome.text.startsWith('error ');
}

/**
 * Whether the counters of the twin may be others from here on: InnoDB's values have gaps, and no rollback closes them. How
 * many an INSERT that fails has used up depends on whether its local transaction is rolled back with it.
 */
function movesCounters({ branches }: TransactionPlan, outcomes: Outcomes): boolean {
  return branches.some(({ steps }, at) =>
    steps.some(({ kind }, step) => {
      const outcome = outcomes[at]?.[step];
      if (outcome === undefined) return false;
      return outcome.kind === 'refused' || COUNTING.has(kind) || (kind === 'INSERT' && isError(outcome));
    }),
  );
}

/** The counter of AUTO_INCREMENT is at its end. */
const COUNTER_END = /^error \S+ (?:167|1467) /;

function isCounterAlone(ours: string, plain: Outcome): boolean {
  const without = (text: string) =>
    text.replace(/insertId=-?\d+|"LAST_INSERT_ID\(\)":"?-?\d+"?|\["?-?\d+"?\]/, '');
  if (!('text' in plain)) return false;
  if (COUNTER_END.test(ours) || COUNTER_END.test(plain.text)) return true;
  return !ours.startsWith('error ') && without(ours) === without(plain.text);
}

/** What an UPDATE or DELETE in strict mode says of a value that is none, where a SELECT only warns. */
const VALUE_ERROR = /^error \S+ (?:1292|1366|1411|1441|1525|3854|3988) /;

/**
 * The first step whose outcome is not what plain mysql2 had; what comes after a volatile statement is not compared.
 * 'departed': a statement that was bound to rows by key has not met the value in its own condition that plain
 * mysql2 has stumbled over, or the reading of its rows has stumbled first and has other words for it; from here on the
 * two go different ways.
 */
function otherOutcome(
  { branches }: TransactionPlan,
  subject: Outcomes,
  twin: Outcomes,
  moved: boolean,
): string | undefined {
  for (const [at, { steps, session }] of branches.entries()) {
    for (const [step, { kind, volatile, pieces }] of steps.entries()) {
      if (volatile) return undefined;
      const [ours, plain] = [subject[at]?.[step], twin[at]?.[step]];
      if (ours === undefined || plain === undefined || ours.kind === 'refused') continue;
      if (kind === 'PROBE' && subject[at]?.[step - 1]?.kind !== 'answered') continue;
      const bound = isWeak(session) || BOUND.test(plainText(pieces));
      const comparable = bound ? withoutWarnings : (text: string) => text;
      if ('text' in plain && comparable(ours.text) === comparable(plain.text)) continue;
      if (moved && isCounterAlone(ours.text, plain)) return 'departed';
      const stumbled = 'text' in plain && VALUE_ERROR.test(plain.text);
      if (stumbled && (bound || VALUE_ERROR.test(ours.text))) return 'departed';
      return (
        `branch ${at}, step ${step} (${kind})\n  globaltx: ${ours.text}\n` +
        `  mysql2:   ${'text' in plain ? plain.text : plain.construct}`
      );
    }
  }
  return undefined;
}

function otherState(rule: string, wanted: State, found: State): { rule: string; detail: string } | undefined {
  if (wanted.dump !== found.dump) return { rule, detail: difference(wanted.dump, found.dump) };
  if (wanted.checksum === found.checksum) return undefined;
  return { rule: `${rule} (by checksum alone)`, detail: difference(wanted.checksum, found.checksum) };
}

/** A join whose condition changes may find other rows the next time: the one error that comes after the statement. */
function lostAfterwards({ branches }: TransactionPlan, outcomes: Outcomes, text: string): string | undefined {
  const step = branches[outcomes.length - 1]?.steps[(outcomes.at(-1)?.length ?? 0) - 1];
  const lost = step?.volatile === true && JOINED.has(step.kind) && text.startsWith('IMAGE_MISMATCH');
  return lost ? `${step.kind} with a changing condition` : undefined;
}

const JOINED: ReadonlySet<string> = new Set([
  'UPDATE ... JOIN',
  'key-changing UPDATE ... JOIN',
  'multi-table DELETE',
]);

/** A foreign key of InnoDB changes rows without a word in the binary log of MariaDB. */
const UNLOGGED = / ON (?:DELETE|UPDATE) (?:CASCADE|SET NULL)/;

/** What the binary log says that has become of a place's rows since it was asked last. */
async function logged(lane: Lane, plan: Plan, place: Place): Promise<string> {
  const names = new Map(
    plan.tables.flatMap(({ database, clauses }, at) =>
      plan.server === 'mariadb' && clauses.some(({ text }) => UNLOGGED.test(text))
        ? []
        : [[`${place.databases[database]}.${tableName(place, at)}`, `table ${at}`] as const],
    ),
  );
  const changes = await lane.changes();
  return netEffect(changes, (schema, table) => names.get(`${schema}.${table}`)).join('\n');
}

async function unsettled(
  lane: Lane,
  xids: readonly string[],
  locksBefore: number,
): Promise<string | undefined> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const [rows, locks] = [await lane.undoLogRows(xids), await lane.locks()];
    if (rows === 0 && locks <= locksBefore) return undefined;
    if (Date.now() > deadline)
      return `after ${SETTLE_MS} ms: ${rows} undo log rows, ${locks - locksBefore} locks`;
    await delay(3);
  }
}

async function playAll(
  lane: Lane,
  plan: Plan,
  { subject, twin, ours, plain, first }: Prepared,
  tally: Tally,
): Promise<Mismatch | undefined> {
  const locksBefore = await lane.locks();
  const xids: string[] = [];
  let before = first;
  await lane.changes();
  let moved = false;
  for (const [index, transaction] of plan.transactions.entries()) {
    const found = (rule: string, detail: string): Mismatch => ({ rule, detail, transaction: index });
    const played = await playSubject(lane, plan, subject, transaction);
    xids.push(played.xid);
    tally.count(transaction, played.outcomes);
    const broken = played.outcomes.flat().find((outcome) => outcome.kind === 'broken');
    if (broken?.kind === 'broken') {
      const lost = lostAfterwards(transaction, played.outcomes, broken.text);
      if (lost === undefined) return found('a statement has no error that plain mysql2 has not', broken.text);
      tally.refuse(lost);
      const spoilt = otherState('a rollback restores every byte', before, await ours.look());
      return spoilt === undefined ? undefined : { ...spoilt, transaction: index };
    }
    if (played.refused !== undefined) {
      tally.refuse(`COMMIT: ${played.refused.replace(/`[^`]*`/g, '`…`')}`);
      const spoilt = otherState('a rollback restores every byte', before, await ours.look());
      return spoilt === undefined ? undefined : { ...spoilt, transaction: index };
    }
    if (played.failure !== undefined) return found('a transaction ends as asked', played.failure);
    const waiting = played.late ? await unsettled(lane, [played.xid], locksBefore) : undefined;
    if (waiting !== undefined) return found('a rollback comes to its end', waiting);
    const after = await ours.look();
    if (transaction.end === 'rollback') {
      const changed = otherState('a rollback restores every byte', before, after);
      if (changed !== undefined) return { ...changed, transaction: index };
    }
    const effect = await logged(lane, plan, subject);
    if (transaction.end === 'rollback' && effect !== '')
      return found('the changes of a rollback undo all others, by the binary log', effect);
    const outcomes = await playTwin(lane, plan, twin, transaction, played.outcomes);
    moved ||= movesCounters(transaction, played.outcomes);
    const other = otherOutcome(transaction, played.outcomes, outcomes, moved);
    if (other === 'departed') return undefined;
    if (other !== undefined) return found('a statement answers as in plain mysql2', other);
    if (transaction.end === 'commit') {
      const state = otherState('a commit leaves what plain mysql2 leaves', await plain.look(), after);
      if (state !== undefined) return { ...state, transaction: index };
      const wanted = await logged(lane, plan, twin);
      if (wanted !== effect)
        return found(
          'a commit changes the rows of plain mysql2, by the binary log',
          difference(wanted, effect),
        );
    }
    before = after;
  }
  const left = await unsettled(lane, xids, locksBefore);
  if (left === undefined) return undefined;
  return {
    rule: 'nothing is left once all is settled',
    detail: left,
    transaction: plan.transactions.length - 1,
  };
}

/**
 * Tables with the same first rows for the subject and its twin. What AUTO_INCREMENT gives behind a negative value is on
 * MariaDB a matter of whether the table has been closed meanwhile: such tables are made anew.
 */
async function prepare(lane: Lane, plan: Plan): Promise<Prepared> {
  for (let attempt = 1; ; attempt += 1) {
    const [subject, twin] = await lane.prepare(plan);
    const [ours, plain] = [await Sight.of(lane, plan, subject), await Sight.of(lane, plan, twin)];
    const first = await ours.look();
    const differs = otherState('', await plain.look(), first);
    if (differs === undefined) return { subject, twin, ours, plain, first };
    await lane.drop(plan, [subject, twin]);
    if (attempt === ATTEMPTS) throw new Error(`the first rows are not those of the twin:\n${differs.detail}`);
  }
}

/** Plays a plan on fresh tables and says what did not hold. */
export async function runPlan(lane: Lane, plan: Plan): Promise<Report> {
  const prepared = await prepare(lane, plan);
  const tally = new Tally();
  try {
    const mismatch = await playAll(lane, plan, prepared, tally);
    const { statements, refused, kinds } = tally;
    return { statements, refused, kinds, mismatch };
  } finally {
    await lane.drop(plan, [prepared.subject, prepared.twin]);
  }
}
