import type { Cursor } from './cursor.js';
import { notUnderstood, unsupported } from './refusal.js';

const WORDS_OF_TWO = new Set(
  `LOAD LOCK UNLOCK XA GET RENAME TRUNCATE CHECKSUM CHECK OPTIMIZE REPAIR CACHE CHANGE RESET INSTALL UNINSTALL PURGE
   IMPORT STOP DEALLOCATE ANALYZE`.split(/\s+/),
);

/** The things that CREATE, ALTER and DROP make, behind words such as OR REPLACE, UNIQUE and DEFINER = ... */
const OBJECTS = new Set(
  `TABLE INDEX VIEW TRIGGER PROCEDURE FUNCTION EVENT DATABASE SCHEMA USER ROLE SEQUENCE SERVER TABLESPACE LOGFILE
   RESOURCE PACKAGE INSTANCE SPATIAL LIBRARY MASKING`.split(/\s+/),
);

const ONE_WORD = new Set(
  `CALL DO HANDLER PREPARE EXECUTE GRANT REVOKE FLUSH KILL SHUTDOWN RESTART BINLOG SIGNAL RESIGNAL CLONE
   BACKUP IF CASE LOOP WHILE REPEAT FOR DECLARE`.split(/\s+/),
);

/** Names a statement that has no place inside a global transaction by its words. */
export function refuseByName(cursor: Cursor): never {
  const { word } = cursor;
  if (word === 'CREATE' || word === 'ALTER' || word === 'DROP')
    unsupported(`${word} ${object(cursor)}`.trimEnd());
  if (word === 'TRUNCATE') unsupported('TRUNCATE TABLE');
  if (WORDS_OF_TWO.has(word)) unsupported(`${word} ${cursor.ahead(1)}`.trimEnd());
  if (ONE_WORD.has(word)) unsupported(word);
  if (word === '') notUnderstood('statement without a verb');
  notUnderstood(word);
}

function object(cursor: Cursor): string {
  const { source } = cursor;
  const index = source.find(cursor.index + 1, (word) => OBJECTS.has(word));
  const word = source.at(index).word;
  const isTemporary = source.find(cursor.index, (candidate) => candidate === 'TEMPORARY') < index;
  return word === 'TABLE' && isTemporary ? 'TEMPORARY TABLE' : word;
}
