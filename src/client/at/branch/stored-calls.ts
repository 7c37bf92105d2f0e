import { GlobalTxError } from '../../../protocol/errors.js';
import type { Call } from '../sql/analysis.js';
import type { BranchDatabase, SessionFacts } from './database.js';

/**
 * A stored function may write, even from a SELECT, and what it writes has no image.
 * @throws GlobalTxError STATEMENT_UNSUPPORTED when one is called that doesn't declare NO SQL or READS SQL DATA
 */
export async function refuseWritingFunctions(
  calls: readonly Call[],
  facts: SessionFacts,
  database: BranchDatabase,
): Promise<void> {
  for (const { schema: named, name } of calls) {
    const schema = named ?? facts.schema;
    if (schema === null) continue;
    const declared = (await database.writingFunctions(schema)).get(name.toLowerCase());
    if (declared === undefined) continue;
    throw new GlobalTxError(
      'STATEMENT_UNSUPPORTED',
      `The stored function ${schema}.${name} is declared ${declared}: what it may write could not be rolled back. ` +
        'If it writes nothing, say so: ALTER FUNCTION ... NO SQL, or READS SQL DATA.',
      { construct: `stored function \`${name}\`` },
    );
  }
}
