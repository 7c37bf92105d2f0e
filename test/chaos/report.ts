import type { Findings, Scenario } from './scenario.js';

const SHOWN = 20;

function row(name: string, value: string | number): string {
  return `  ${name.padEnd(44)} ${value}`;
}

/** The table for a person. */
export function report(scenario: Scenario, seed: number, findings: Findings): string {
  const { faults, committed, rolledBack, unknown, violations, proofless, figures } = findings;
  return [
    '',
    `${scenario.name}: ${scenario.what}`,
    row('seed', seed),
    row('faults', faults),
    row('committed', committed),
    row('rolled back', rolledBack),
    row('unknown to the caller', unknown),
    ...Object.entries(figures).map(([name, value]) => row(name, value)),
    '',
    ...violations.slice(0, SHOWN).map((sentence) => `  VIOLATION: ${sentence}`),
    ...(violations.length > SHOWN ? [`  and ${violations.length - SHOWN} more`] : []),
    ...proofless.map((sentence) => `  PROVES NOTHING: ${sentence}`),
    violations.length === 0 ? 'Everything that must hold has held.' : 'SOMETHING IS WRONG.',
    '',
  ].join('\n');
}

/** The last line. */
export function lastLine(scenario: Scenario, findings: Findings): string {
  const { faults, committed, rolledBack, unknown, violations } = findings;
  return JSON.stringify({
    ...{ scenario: scenario.name, faults, committed, rolledBack, unknown },
    violations: violations.length,
  });
}
