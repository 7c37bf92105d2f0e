import assert from 'node:assert/strict';
import { createConnection } from 'mysql2/promise';
import type { SqlDialect } from '../../../src/client/at/executor.js';
import { parameterLiteral } from '../../../src/client/mysql2/parameters.js';
import { servers } from '../../support/servers.js';

const SAMPLES: readonly unknown[] = [
  ...[0, 1, -1, 1.5, -0.1, 1e300, 5e-324, 2 ** 53, 0.1 + 0.2],
  ...['', 'plain', "it's", 'back\\slash', 'new\nline', 'nul\0byte', '"double"', 'ü😀', '%_'],
  ...[true, false, null, 123456789012345678901234567890n],
  ...[Buffer.from([0, 39, 92, 255]), Buffer.alloc(0)],
  ...[new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789))],
];

describe('a bound value written as a literal', () => {
  it('is what the server makes of the binding', async () => {
    const [server] = await servers();
    for (const modes of ['', 'NO_BACKSLASH_ESCAPES']) {
      const connection = await createConnection({ ...server.options(), timezone: 'Z' });
      try {
        await connection.query('SET sql_mode = ?', [modes]);
        const dialect: SqlDialect = {
          server: server.kind,
          noBackslashEscapes: modes !== '',
          ansiQuotes: false,
        };
        for (const sample of SAMPLES) {
          const literal = parameterLiteral(sample, dialect, 'Z');
          const [rows] = await connection.execute(
            `SELECT ${literal} <=> ? AS same, HEX(${literal}) AS text`,
            [sample as string],
          );
          assert.equal((rows as { same: number }[])[0]?.same, 1, `${String(sample)} as ${literal}`);
        }
        for (const bytes of ['A', '12', '1x'].map((text) => Buffer.from(text))) {
          const literal = parameterLiteral(bytes, dialect, 'Z');
          const [rows] = await connection.execute(`SELECT ${literal} + 0 = ? + 0 AS same`, [bytes]);
          assert.equal((rows as { same: number }[])[0]?.same, 1, `${literal} as a number`);
        }
      } finally {
        await connection.end();
      }
    }
  });
});
