import { Dice } from '../simulation/dice.js';
import type { DatabaseKind } from '../support/servers.js';
import { FURTHER } from './further-statements.js';
import {
  type BranchPlan,
  type Plan,
  type Profile,
  type RowPlan,
  type SendBy,
  type SessionPlan,
  type StepPlan,
  type TransactionPlan,
  USUAL_SESSION,
} from './plan.js';
import { type Column, makeTables, type Table } from './schema.js';
import { pickMaker, randomRows, SUPPORTED } from './statements.js';
import { goesThroughView, makeViews, type View } from './views.js';

export interface GenerateOptions {
  readonly server: DatabaseKind;
  /** Names of the further kinds of statements to make, see FURTHER; 'cascade' makes foreign keys that cascade. */
  readonly further: readonly string[];
}

export const FURTHER_NAMES: readonly string[] = [...Object.keys(FURTHER), 'cascade'];

const SQL_MODES = [
  "''",
  "'STRICT_TRANS_TABLES'",
  "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'",
  "'ANSI_QUOTES'",
  "'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_TRANS_TABLES'",
  "'NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES'",
  "'PAD_CHAR_TO_FULL_LENGTH'",
  "'PAD_CHAR_TO_FULL_LENGTH,STRICT_ALL_TABLES'",
  "'NO_AUTO_VALUE_ON_ZERO'",
  "'ALLOW_INVALID_DATES,STRICT_ALL_TABLES'",
  "'IGNORE_SPACE,HIGH_NOT_PRECEDENCE'",
  "'NO_UNSIGNED_SUBTRACTION,REAL_AS_FLOAT'",
];
const TIME_ZONES = ["'+00:00'", "'+05:30'", "'-11:00'", "'SYSTEM'", "'+13:00'"];
/** The last is one that nobody would choose for a connection, and that is refused for most texts. */
const NAMES = [...Array<string>(7).fill('latin1'), ...Array<string>(7).fill('utf8mb3'), 'gbk'];
const LEVELS = ['REPEATABLE READ', 'READ COMMITTED', 'SERIALIZABLE', 'READ UNCOMMITTED'];
const PROFILES: readonly Profile[] = ['plain', 'plain', 'plain', 'latin1', 'strings', 'arrays'];
const SEND_BY: readonly SendBy[] = ['query', 'query', 'execute', 'execute', 'prepare'];

/** Every run begins here; a clock that stands still makes NOW() and ON UPDATE the same for the twin. */
const CLOCK = 1_700_000_000;

/** What the server tells of the statement before; statements of globaltx's own must not show in it. */
const PROBE = 'SELECT LAST_INSERT_ID()';

function unbound(kind: string, sql: string): StepPlan {
  return { kind, pieces: sql, sendBy: 'query', bind: false, volatile: false };
}

const isChar = ({ type: { sql } }: Column) => /^CHAR\(/.test(sql);

function countsSpaces(server: DatabaseKind, { type: { sql } }: Column): boolean {
  if (/_nopad_|_0900_/.test(sql)) return true;
  return server === 'mysql' && !/COLLATE|CHARACTER SET (?!utf8mb4)/.test(sql);
}

/**
 * Under PAD_CHAR_TO_FULL_LENGTH a CHAR compares with all its spaces, and in its index without them: where a collation
 * counts them, what the server finds is a matter of the index that it chooses. On MariaDB it may be the collation of a
 * subquery's column: with ORDER BY a SELECT finds nothing, without it what has the spaces.
 */
function isAmbiguousWhenPadded(server: DatabaseKind, tables: readonly Table[]): boolean {
  const columns = tables.flatMap((table) => table.columns);
  const chars = columns.filter(isChar);
  const others = server === 'mariadb' && chars.length > 0 ? columns : chars;
  return others.some((column) => countsSpaces(server, column));
}

/**
 * MySQL keeps the text of a default with backslashes, and reads it in the sql_mode of whoever opens the table first:
 * what it stores, and whether the table can be opened at all, is then a matter of who came first.
 */
function isReadWithBackslashes(server: DatabaseKind, { plan }: Table): boolean {
  return server === 'mysql' && plan.columns.some(({ definition }) => /DEFAULT \([_']/.test(definition));
}

class Generator {
  readonly #dice: Dice;
  readonly #tables: readonly Table[];
  readonly #views: readonly View[];
  readonly #makers: readonly (typeof SUPPORTED)[number][];
  readonly #sqlModes: readonly string[];
  #clock = CLOCK;

  constructor(
    dice: Dice,
    tables: readonly Table[],
    views: readonly View[],
    { server, further }: GenerateOptions,
  ) {
    this.#dice = dice;
    this.#tables = tables;
    this.#views = views;
    const padded = !isAmbiguousWhenPadded(server, tables);
    const escaped = tables.some((table) => isReadWithBackslashes(server, table));
    this.#sqlModes = SQL_MODES.filter(
      (mode) => (padded || !mode.includes('PAD_CHAR')) && !(escaped && mode.includes('NO_BACKSLASH_ESCAPES')),
    );
    this.#makers = [
      ...SUPPORTED,
      ...further.flatMap((name) => (FURTHER[name] === undefined ? [] : [FURTHER[name]])),
    ];
  }

  rows(): readonly RowPlan[] {
    return this.#tables.flatMap((table) =>
      Array.from({ length: this.#dice.under(9) }, () => ({
        table: table.number,
        rows: randomRows({ tables: this.#tables, table, dice: this.#dice }, 1),
      })),
    );
  }

  transaction(): TransactionPlan {
    const dice = this.#dice;
    const end = dice.chance(0.6) ? 'rollback' : 'commit';
    const branches = Array.from({ length: dice.pick([1, 1, 2, 2, 3]) }, () => this.#branch(end));
    return { end, profile: dice.pick(PROFILES), branches };
  }

  #branch(end: 'commit' | 'rollback'): BranchPlan {
    const dice = this.#dice;
    const mode = dice.pick(['autocommit', 'autocommit', 'method', 'text', 'text', 'implicit'] as const);
    const explicit = mode !== 'autocommit';
    const steps: StepPlan[] = [];
    for (let count = dice.between(1, 4); count > 0; count--) {
      steps.push(...this.#statements(end));
      if (dice.chance(0.1)) steps.push(unbound('PROBE', PROBE));
      if (explicit && dice.chance(0.15)) this.#savepoint(steps, end);
    }
    return {
      database: dice.chance(0.8) ? 0 : 1,
      session: this.#session(),
      mode,
      end: explicit && dice.chance(0.1) ? 'rollback' : 'commit',
      steps,
    };
  }

  #session(): SessionPlan {
    const dice = this.#dice;
    this.#clock += 1 + dice.under(1000);
    return {
      timestamp: `${this.#clock}.${String(dice.under(1e6)).padStart(6, '0')}`,
      sqlMode: dice.chance(0.5) ? USUAL_SESSION.sqlMode : dice.pick(this.#sqlModes),
      timeZone: dice.chance(0.6) ? USUAL_SESSION.timeZone : dice.pick(TIME_ZONES),
      isolation: dice.chance(0.5) ? USUAL_SESSION.isolation : dice.pick(LEVELS),
      names: dice.chance(0.85) ? USUAL_SESSION.names : dice.pick(NAMES),
    };
  }

  #statements(end: 'commit' | 'rollback'): readonly StepPlan[] {
    const dice = this.#dice;
    const table = dice.pick(this.#tables);
    const maker = pickMaker(this.#makers, dice);
    const view = this.#views.find(({ plan }) => plan.table === table.number);
    const through = view !== undefined && goesThroughView(maker) && dice.chance(0.4);
    return maker({ tables: this.#tables, table: through ? view.table : table, dice })
      .filter(({ volatile }) => !volatile || end === 'rollback')
      .map((statement) => ({ ...statement, sendBy: dice.pick(SEND_BY), bind: dice.chance(0.6) }));
  }

  #savepoint(steps: StepPlan[], end: 'commit' | 'rollback'): void {
    const dice = this.#dice;
    const name = dice.pick(['s', 'S', '`s 2`', 'other']);
    steps.push(unbound('SAVEPOINT', `SAVEPOINT ${name}`), ...this.#statements(end));
    const ending = dice.pick(['ROLLBACK TO', 'ROLLBACK TO', 'ROLLBACK TO', 'RELEASE', '']);
    if (ending === 'ROLLBACK TO')
      steps.push(unbound('ROLLBACK TO', `ROLLBACK TO ${dice.pick(['SAVEPOINT ', ''])}${name}`));
    else if (ending === 'RELEASE') steps.push(unbound('RELEASE SAVEPOINT', `RELEASE SAVEPOINT ${name}`));
  }
}

/** The plan that a seed stands for. */
export function generate(seed: number, { server, further }: GenerateOptions): Plan {
  const dice = new Dice(seed);
  const tables = makeTables({ server, cascades: further.includes('cascade') }, dice.stream('schema'));
  const views = makeViews(tables, dice.stream('views'));
  const generator = new Generator(dice.stream('statements'), tables, views, { server, further });
  const rows = generator.rows();
  const transactions = Array.from({ length: dice.between(1, 4) }, () => generator.transaction());
  return {
    seed,
    server,
    tables: tables.map(({ plan }) => plan),
    views: views.map(({ plan }) => plan),
    rows,
    transactions,
  };
}
