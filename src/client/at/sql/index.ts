import { LRUCache } from 'lru-cache';
import type { SqlDialect } from '../executor.js';
import type { Analysis, Statement } from './analysis.js';
import { callsOf } from './calls.js';
import { agree } from './check/agree.js';
import { parse, type Reading } from './check/parser.js';
import { lex } from './lexer.js';
import { isSeveral } from './parts.js';
import { rowCountsOf } from './row-counts.js';
import { split } from './source.js';
import { readStatement } from './statement.js';

export { mayControl } from './may-control.js';

/** Longer texts are as good as never sent twice, and would fill the cache alone. */
const LONGEST_CACHED = 8 * 1024;
/** Texts, and their characters. An analysis takes up to twenty bytes for each character. */
const LIMITS = { max: 2_000, maxSize: 1024 * 1024 };

/** One cache for each combination of a dialect's facts. */
const analyses = new Map<number, LRUCache<string, Analysis>>();

/** The parser's answers by form: texts that differ in their values alone share one. */
const readings = new LRUCache<string, { readonly reading: Reading | null }>({
  ...LIMITS,
  sizeCalculation: (_, form) => form.length + 1,
});

/**
 * Reads the statements of a text. Pure: the same text in the same dialect gives the same analysis, and what
 * cannot be read is 'refused', never thrown. Both the analysis and the parser's answer are cached.
 */
export function analyze(text: string, dialect: SqlDialect): Analysis {
  if (text.length > LONGEST_CACHED) return read(text, dialect, parseCached);
  const cache = cacheOf(dialect);
  const known = cache.get(text);
  if (known !== undefined) return known;
  const analysis = read(text, dialect, parseCached);
  cache.set(text, analysis);
  return analysis;
}

/** As `analyze`, without any cache. */
export function analyzeUncached(text: string, dialect: SqlDialect): Analysis {
  return read(text, dialect, parse);
}

function cacheOf(dialect: SqlDialect): LRUCache<string, Analysis> {
  const key =
    (dialect.server === 'mysql' ? 1 : 0) +
    (dialect.noBackslashEscapes ? 2 : 0) +
    (dialect.ansiQuotes ? 4 : 0);
  let cache = analyses.get(key);
  if (cache === undefined) {
    cache = new LRUCache({ ...LIMITS, sizeCalculation: (_, text) => text.length + 1 });
    analyses.set(key, cache);
  }
  return cache;
}

function parseCached(form: string): Reading | null {
  const known = readings.get(form);
  if (known !== undefined) return known.reading;
  const reading = parse(form);
  if (form.length <= LONGEST_CACHED) readings.set(form, { reading });
  return reading;
}

const NOTHING: Statement = { kind: 'read' };

function read(text: string, dialect: SqlDialect, parser: (form: string) => Reading | null): Analysis {
  const { tokens, problem } = lex(text, dialect);
  const segments = split(text, tokens, problem);
  if (segments.length === 0)
    return { statements: [NOTHING], texts: [text], several: false, calls: [], rowCounts: [] };
  return {
    statements: segments.map((segment) =>
      readStatement(segment, (source, statement) => agree(source, statement, parser)),
    ),
    texts: segments.map(({ source }) => source.clauseFromBegin(source.tokens.length).text),
    several: isSeveral(text, tokens),
    calls: segments.flatMap(({ source }) => callsOf(source)),
    rowCounts: segments.flatMap(({ source }) => rowCountsOf(source)),
  };
}
