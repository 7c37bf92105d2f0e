import { TYPES } from '../image/types.js';
import { UndoWorld } from './undo-world.js';

describe('A rollback in columns of every type', () => {
  let world: UndoWorld;

  before(async () => {
    world = await UndoWorld.create();
  });

  after(() => world.close());

  for (const [at, { type, values, only }] of TYPES.entries()) {
    const table = `typed${at}`;
    it(`restores ${type}`, async () => {
      if (only !== undefined && only !== world.server.kind) return;
      const nullId = values.length;
      const next = (id: number) => values[(id + 1) % values.length];
      const shifted = values.map((_, id) => `WHEN ${id} THEN ${next(id)}`).join(' ');
      await world.run(`CREATE TABLE ${table} (id INT PRIMARY KEY, v ${type} NULL)`);
      await world.branch(
        [],
        ...values.map((value, id) => `INSERT INTO ${table} VALUES (${id}, ${value})`),
        `INSERT INTO ${table} VALUES (${nullId}, NULL)`,
      );
      // Every value comes back once in the place of another, and once in an INSERT.
      await world.assertRestored(
        [table],
        `UPDATE ${table} SET v = CASE id ${shifted} ELSE ${values[0]} END`,
        `INSERT INTO ${table} VALUES (-1, ${values[0]})`,
      );
      await world.assertRestored([table], `DELETE FROM ${table}`);
    });
  }
});
