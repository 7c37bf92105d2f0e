import type { BranchPlan, Plan, TransactionPlan } from './plan.js';
import { createTable, createView, firstRow, type Place, renderStep, setSession, viewsOf } from './render.js';
import type { Mismatch } from './run.js';

const PLACE: Place = { databases: ['fuzz_a', 'fuzz_b'], prefix: '' };

/** A value as it would be written in JavaScript. */
function shown(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Buffer.isBuffer(value)) return `Buffer.from('${value.toString('hex')}', 'hex')`;
  return JSON.stringify(value);
}

function branchLines(plan: Plan, transaction: TransactionPlan, branch: BranchPlan): string[] {
  const lines = [
    `-- branch on ${PLACE.databases[branch.database]}, pool '${transaction.profile}', ${branch.mode}`,
  ];
  lines.push(...setSession(branch.session).map((sql) => `${sql};`));
  switch (branch.mode) {
    case 'method':
    case 'text':
      lines.push('START TRANSACTION;');
      break;
    case 'implicit':
      lines.push('SET autocommit = 0;');
      break;
    case 'autocommit':
      break;
  }
  for (const step of branch.steps) {
    const { sql, values } = renderStep(step, plan, PLACE, branch.database);
    const bound = values.length === 0 ? '' : ` with [${values.map(shown).join(', ')}]`;
    const by = step.sendBy === 'query' && bound === '' ? '' : `  -- by ${step.sendBy}${bound}`;
    lines.push(`${sql};${by}`);
  }
  if (branch.mode !== 'autocommit') lines.push(`${branch.end.toUpperCase()};`);
  return lines;
}

/** What a person runs by hand to see the mismatch. */
export function script(plan: Plan, mismatch: Mismatch): string {
  const lines = [`-- seed ${plan.seed} on ${plan.server}: it does not hold that ${mismatch.rule}`];
  lines.push(...mismatch.detail.split('\n').map((line) => `--   ${line}`));
  lines.push("SET sql_mode = '', time_zone = '+00:00';");
  const used = new Set(
    plan.tables.flatMap(({ database, columns }) => (columns.length > 0 ? [database] : [])),
  );
  for (const database of used) {
    const name = PLACE.databases[database];
    lines.push(`CREATE DATABASE ${name}; USE ${name};`);
    for (const [at, table] of plan.tables.entries()) {
      if (table.database === database && table.columns.length > 0)
        lines.push(`${createTable(plan, PLACE, at)};`);
    }
    for (const view of viewsOf(plan, database)) lines.push(`${createView(plan, PLACE, view)};`);
    for (const [at, row] of plan.rows.entries()) {
      if (plan.tables[row.table]?.database === database) lines.push(`${firstRow(plan, PLACE, at)};`);
    }
  }
  for (const transaction of plan.transactions) {
    lines.push('-- global transaction');
    for (const branch of transaction.branches) lines.push(...branchLines(plan, transaction, branch));
    lines.push(`-- global ${transaction.end}`);
  }
  return `${lines.join('\n')}\n`;
}
