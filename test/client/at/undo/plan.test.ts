import assert from 'node:assert/strict';
import type { Row } from '../../../../src/client/at/image/row.js';
import type { ColumnDefinition, TableDefinition } from '../../../../src/client/at/table/definition.js';
import type { RowRestoration } from '../../../../src/client/at/undo/dirty-check.js';
import { batchSteps, planCompensation, type Step } from '../../../../src/client/at/undo/plan.js';

/** As much of a definition as the plan reads. */
function column(name: string, facts: Partial<ColumnDefinition> = {}): ColumnDefinition {
  return { name, generated: false, updatesItself: false, ...facts } as ColumnDefinition;
}

function table(name: string): TableDefinition {
  const columns = [
    column('id'),
    column('name'),
    column('stamp', { updatesItself: true }),
    column('upper', { generated: true }),
  ];
  return { schema: 's', name, columns } as unknown as TableDefinition;
}

const parent = table('parent');
const child = table('child');

function row(id: string, name = 'n', upper = 'N'): Row {
  return [id, name, 'now', upper];
}

function inserted(id: string): RowRestoration {
  return { present: row(id), target: null };
}

function deleted(id: string): RowRestoration {
  return { present: null, target: row(id) };
}

function shown(step: Step): string {
  const of = step.kind === 'update' ? step.target : step.row;
  return `${step.kind} ${step.table.name} ${of[0]}`;
}

describe('The plan of a compensation', () => {
  it('takes the rows in the reverse order of their last touch', () => {
    const steps = planCompensation([
      { table: parent, restorations: [inserted('1'), inserted('2')] },
      { table: child, restorations: [inserted('3'), deleted('4')] },
    ]);
    assert.deepEqual(steps.map(shown), [
      'insert child 4',
      'delete child 3',
      'delete parent 2',
      'delete parent 1',
    ]);
  });

  it('writes the changed columns and those that would change by themselves, and no generated ones', () => {
    const [step] = planCompensation([
      { table: parent, restorations: [{ present: row('1', 'b', 'B'), target: row('1', 'a', 'A') }] },
    ]);
    assert.ok(step?.kind === 'update');
    assert.deepEqual(
      step.columns.map(({ name }) => name),
      ['name', 'stamp'],
    );
  });

  it('has nothing to write where only a generated column differs', () => {
    const restorations = [{ present: row('1', 'a', 'B'), target: row('1', 'a', 'A') }];
    assert.deepEqual(planCompensation([{ table: parent, restorations }]), []);
  });

  it('puts neighbours of one kind and table into one statement', () => {
    const steps = planCompensation([
      { table: child, restorations: [deleted('5')] },
      { table: parent, restorations: [deleted('4'), deleted('3'), inserted('2'), inserted('1')] },
    ]);
    assert.deepEqual(
      batchSteps(steps).map((batch) => batch.map(shown)),
      [['delete parent 1', 'delete parent 2'], ['insert parent 3', 'insert parent 4'], ['insert child 5']],
    );
  });

  it('keeps statements small', () => {
    const many = Array.from({ length: 250 }, (_, id) => deleted(String(id)));
    const sizes = batchSteps(planCompensation([{ table: parent, restorations: many }])).map(
      (batch) => batch.length,
    );
    assert.deepEqual(sizes, [100, 100, 50]);
    const large = ['1', '2', '3'].map((id) => ({ present: null, target: row(id, 'x'.repeat(200_000)) }));
    assert.equal(batchSteps(planCompensation([{ table: parent, restorations: large }])).length, 3);
  });
});
