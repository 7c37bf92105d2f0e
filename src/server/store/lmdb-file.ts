import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { GlobalTxError } from '../../protocol/errors.js';

/** The head of an lmdb file's meta page, as the data version 2 of the lmdb package lays it out. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const VERSION_AT = 28;
const VERSION = 2;
const PAGE_SIZE_AT = 48;
const META_BYTES = 168;
const META_PAGES = 2;

/**
 * lmdb maps its file into memory and does not compare the file's size with what its meta pages speak of:
 * a file that was cut off would end the process by SIGBUS. So the size is compared here, before.
 * @throws GlobalTxError STORE_CORRUPT when the file is shorter than what was written.
 */
export function requireWholeFile(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const needed = bytesNeeded(file);
    if (size >= needed) return;
    throw new GlobalTxError(
      'STORE_CORRUPT',
      `The store is damaged: ${path} has ${size} bytes, but ${needed} were written. Restore the directory from ` +
        'a copy, or ask for help before anything else is done with it.',
      { details: { file: path, size: String(size), needed: String(needed) } },
    );
  } finally {
    closeSync(file);
  }
}

function bytesNeeded(file: number): number {
  const first = readMeta(file, 0);
  if (first.readUInt32LE(MAGIC_AT) !== MAGIC || first.readUInt32LE(VERSION_AT) !== VERSION) {
    // Too short to be a store, or something that lmdb itself refuses.
    return META_PAGES * META_BYTES;
  }
  const pageSize = first.readUInt32LE(PAGE_SIZE_AT);
  return META_PAGES * pageSize;
}

/** What is beyond the end of the file reads as zeros. */
function readMeta(file: number, position: number): Buffer {
  const meta = Buffer.alloc(META_BYTES);
  readSync(file, meta, 0, META_BYTES, position);
  return meta;
}
