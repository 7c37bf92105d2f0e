import type { Statement } from './analysis.js';
import type { Cursor } from './cursor.js';
import { unsupported } from './refusal.js';

const WRITING = ['UPDATE', 'DELETE', 'INSERT', 'REPLACE'];

/** Reads EXPLAIN, DESCRIBE and DESC. Only EXPLAIN ANALYZE runs what it explains. */
export function readExplain(cursor: Cursor): Statement {
  const verb = cursor.word;
  cursor.index++;
  if (cursor.word !== 'ANALYZE') return { kind: 'read' };
  const index = cursor.source.find(cursor.index, (word) => word === 'SELECT' || WRITING.includes(word));
  const { word } = cursor.source.at(index);
  if (WRITING.includes(word)) unsupported(`${verb} ANALYZE ${word}`);
  return { kind: 'read' };
}
