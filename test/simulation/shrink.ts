import type { Options, Plan } from './plan.js';
import { type MakeDefect, type Run, runPlan } from './run.js';

const MOST_RUNS = 400;

function without<T>(items: readonly T[], from: number, count: number): T[] {
  return [...items.slice(0, from), ...items.slice(from + count)];
}

/** Simpler plans, the simplest first: fewer transactions, fewer faults, fewer steps, a better network. */
function* simpler(plan: Plan): Iterable<Plan> {
  const { transactions, faults, options } = plan;
  for (
    let count = Math.ceil(transactions.length / 2);
    count >= 1;
    count = count === 1 ? 0 : Math.ceil(count / 2)
  ) {
    for (let from = 0; from < transactions.length; from += count) {
      yield { ...plan, transactions: without(transactions, from, count) };
    }
  }
  for (let count = Math.ceil(faults.length / 2); count >= 1; count = count === 1 ? 0 : Math.ceil(count / 2)) {
    for (let from = 0; from < faults.length; from += count) {
      yield { ...plan, faults: without(faults, from, count) };
    }
  }
  for (const name of ['lost', 'twice', 'late', 'retryAnswers'] as const) {
    if (options[name] > 0) yield { ...plan, options: { ...options, [name]: 0 } satisfies Options };
  }
  for (const [index, transaction] of transactions.entries()) {
    for (let from = 0; transaction.steps.length > 1 && from < transaction.steps.length; from++) {
      const shorter = { ...transaction, steps: without(transaction.steps, from, 1) };
      yield { ...plan, transactions: transactions.map((other, at) => (at === index ? shorter : other)) };
    }
  }
}

/** The smallest run that could be found that breaks the same rule. */
export function shrink(run: Run, makeDefect?: MakeDefect): Run {
  let best = run;
  let runs = 0;
  for (let progress = true; progress && runs < MOST_RUNS; ) {
    progress = false;
    for (const plan of simpler(best.plan)) {
      if (++runs > MOST_RUNS) break;
      const tried = runPlan(plan, makeDefect);
      if (tried.violation?.rule !== run.violation?.rule) continue;
      best = tried;
      progress = true;
      break;
    }
  }
  return best;
}
