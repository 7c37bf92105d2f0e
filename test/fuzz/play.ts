import { currentTransaction, rollbackReport } from 'globaltx';
import type { Connection, PreparedStatementInfo } from 'mysql2/promise';
import type { Lane } from './lane.js';
import { answerOf, errorOf, type Outcome } from './outcome.js';
import type { BranchPlan, Plan, StepPlan, TransactionPlan } from './plan.js';
import { type Place, renderStep, setSession } from './render.js';

/** Outcomes of the steps, branch by branch. */
export type Outcomes = readonly (readonly Outcome[])[];

export interface Played {
  readonly outcomes: Outcomes;
  readonly xid: string;
  /** What went wrong with the transaction as a whole. */
  readonly failure: string | undefined;
  /** What its local commit was refused for. */
  readonly refused?: string;
  /** The rollback goes on after the function has returned. */
  readonly late: boolean;
}

/** Thrown to roll the global transaction back, and at what makes going on useless. */
class RollBack extends Error {}
class Broken extends Error {}

async function send(
  connection: Connection,
  step: StepPlan,
  plan: Plan,
  place: Place,
  branch: BranchPlan,
): Promise<Outcome> {
  const { sql, values } = renderStep(step, plan, place, branch.database);
  const given = values as (string | number | Buffer | null)[];
  try {
    switch (step.sendBy) {
      case 'query': {
        const [result] =
          given.length === 0 ? await connection.query(sql) : await connection.query(sql, given);
        return answerOf(result, place);
      }
      case 'execute': {
        const [result] = await connection.execute(sql, given);
        return answerOf(result, place);
      }
      case 'prepare': {
        // The declaration of prepare() leaves out that it is a promise.
        const statement = (await connection.prepare(sql)) as PreparedStatementInfo;
        try {
          const [result] = await statement.execute(given);
          return answerOf(result, place);
        } finally {
          // close() would leave it in mysql2's cache, where the next one of the same text would find it closed.
          connection.unprepare(sql);
        }
      }
    }
  } catch (error) {
    return errorOf(error, place);
  }
}

const BEGIN: Readonly<
  Record<Exclude<BranchPlan['mode'], 'autocommit'>, (connection: Connection) => Promise<unknown>>
> = {
  method: (connection) => connection.beginTransaction(),
  text: (connection) => connection.query('START TRANSACTION'),
  implicit: (connection) => connection.query('SET autocommit = 0'),
};

async function end(connection: Connection, branch: BranchPlan): Promise<void> {
  if (branch.mode === 'autocommit') return;
  const verb = branch.end === 'commit' ? 'COMMIT' : 'ROLLBACK';
  if (branch.mode === 'method') await (verb === 'COMMIT' ? connection.commit() : connection.rollback());
  else await connection.query(verb);
  if (branch.mode === 'implicit') await connection.query('SET autocommit = 1');
}

/**
 * Has what a branch has executed prepared anew the next time: MySQL reads a bound value by the type of the value that the
 * statement was given first, and the two sides use other connections.
 */
function forgetPrepared(connection: Connection, branch: BranchPlan, plan: Plan, place: Place): void {
  for (const step of branch.steps)
    if (step.sendBy === 'execute') connection.unprepare(renderStep(step, plan, place, branch.database).sql);
}

async function playBranch(
  lane: Lane,
  plan: Plan,
  place: Place,
  transaction: TransactionPlan,
  branch: BranchPlan,
  outcomes: Outcome[],
): Promise<void> {
  const connection = await lane.pool(branch.database, transaction.profile).getConnection();
  try {
    for (const sql of setSession(branch.session)) await connection.query(sql);
    if (branch.mode !== 'autocommit') await BEGIN[branch.mode](connection);
    for (const step of branch.steps) {
      const outcome = await send(connection, step, plan, place, branch);
      outcomes.push(outcome);
      if (outcome.kind === 'broken') throw new Broken(outcome.text);
    }
    await end(connection, branch);
    forgetPrepared(connection, branch, plan, place);
  } catch (error) {
    // What the connection is left in is not known: nobody else gets it.
    connection.destroy();
    throw error;
  }
  connection.release();
}

/** Plays a transaction as a global one. */
export async function playSubject(
  lane: Lane,
  plan: Plan,
  place: Place,
  transaction: TransactionPlan,
): Promise<Played> {
  const outcomes: Outcome[][] = [];
  let xid = '';
  const wanted = new RollBack('roll it back');
  try {
    await lane.gtx.run({ name: `seed ${plan.seed}` }, async () => {
      xid = currentTransaction()?.xid ?? '';
      for (const branch of transaction.branches) {
        const own: Outcome[] = [];
        outcomes.push(own);
        await playBranch(lane, plan, place, transaction, branch, own);
      }
      if (transaction.end === 'rollback') throw wanted;
    });
    return { outcomes, xid, failure: undefined, late: false };
  } catch (error) {
    const refusal = errorOf(error, place);
    if (refusal.kind === 'refused') {
      return { outcomes, xid, failure: undefined, refused: refusal.construct, late: false };
    }
    if (error !== wanted) {
      return { outcomes, xid, failure: `the transaction failed: ${String(error)}`, late: false };
    }
    const report = rollbackReport(error);
    const done = report === undefined || report.status === 'ROLLED_BACK';
    const late = report?.status === 'ROLLING_BACK';
    return {
      outcomes,
      xid,
      failure: done || late ? undefined : `the rollback is ${JSON.stringify(report)}`,
      late,
    };
  }
}

/** A savepoint that no statement of a plan names. */
const SAVEPOINT = 'whole_branch';

/**
 * Plays a transaction with plain mysql2, without what globaltx refused: branch by branch as local transactions,
 * or, when it is to be rolled back, as one local transaction.
 */
export async function playTwin(
  lane: Lane,
  plan: Plan,
  place: Place,
  transaction: TransactionPlan,
  subject: Outcomes,
): Promise<Outcomes> {
  const connection = await lane.twinConnection(transaction.profile);
  try {
    return await playPlainly(connection, plan, place, transaction, subject);
  } catch (error) {
    lane.forgetTwinConnection(transaction.profile);
    throw error;
  }
}

async function playPlainly(
  connection: Connection,
  plan: Plan,
  place: Place,
  transaction: TransactionPlan,
  subject: Outcomes,
): Promise<Outcomes> {
  const whole = transaction.end === 'rollback';
  if (whole) await connection.query('START TRANSACTION');
  const outcomes: Outcome[][] = [];
  for (const [at, branch] of transaction.branches.entries()) {
    const own: Outcome[] = [];
    outcomes.push(own);
    await connection.query(`USE ${place.databases[branch.database]}`);
    for (const sql of setSession(branch.session)) await connection.query(sql);
    if (whole) await connection.query(`SAVEPOINT ${SAVEPOINT}`);
    else if (branch.mode !== 'autocommit') await BEGIN[branch.mode](connection);
    for (const [step, { kind }] of subject[at]!.entries()) {
      if (kind === 'refused') own.push(subject[at]![step]!);
      else own.push(await send(connection, branch.steps[step]!, plan, place, branch));
    }
    if (!whole) await end(connection, branch);
    else if (branch.mode !== 'autocommit' && branch.end === 'rollback')
      await connection.query(`ROLLBACK TO ${SAVEPOINT}`);
    forgetPrepared(connection, branch, plan, place);
  }
  if (whole) await connection.query('ROLLBACK');
  return outcomes;
}
