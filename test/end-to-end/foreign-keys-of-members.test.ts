import assert from 'node:assert/strict';
import { makeWorld, settled, type World } from './world.js';

const KINDS = ["ENUM('a', 'b', 'c')", "SET('a', 'b', 'c')"] as const;

describe('a foreign key over members, whose names are in one collation here and in another there', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: KINDS.flatMap((type, at) => [
        `CREATE TABLE owner_${at} (k ${type} PRIMARY KEY) COLLATE utf8mb4_unicode_ci`,
        `CREATE TABLE pet_${at} (id INT PRIMARY KEY, k ${type},
           FOREIGN KEY (k) REFERENCES owner_${at} (k) ON DELETE CASCADE ON UPDATE CASCADE) COLLATE utf8mb4_general_ci`,
        `INSERT INTO owner_${at} VALUES ('a'), ('b')`,
        `INSERT INTO pet_${at} VALUES (1, 'a'), (2, 'a')`,
      ]),
    });
  });

  after(() => world.close());

  for (const [at, type] of KINDS.entries()) {
    for (const sql of [
      `INSERT INTO pet_${at} VALUES (3, 'b')`,
      `UPDATE pet_${at} SET k = 'b'`,
      `DELETE FROM owner_${at} WHERE k = 'a'`,
      `DELETE FROM pet_${at}`,
    ]) {
      it(`is followed and undone: ${type}, ${sql}`, async () => {
        const before = await world.first.dump();
        await assert.rejects(
          world.gtx.run(async () => {
            await world.first.pool.query(sql);
            assert.notEqual(await world.first.dump(), before);
            throw new Error('undo it');
          }),
          { message: 'undo it' },
        );
        await settled(world);
        assert.equal(await world.first.dump(), before);
      });
    }
  }
});
