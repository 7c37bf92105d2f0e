import { isMetaPage, PAGE_HEADER_BYTES } from './lmdb-page.js';

/** One tree of an lmdb file, as a meta page describes it. */
export interface Tree {
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  readonly root: bigint;
}

/** What a meta page says: the state of the file after one transaction. */
export interface Meta {
  readonly pageSize: number;
  readonly transaction: number;
  readonly lastPage: number;
  /** Which pages are free. */
  readonly free: Tree;
  readonly main: Tree;
}

export const META_PAGES = 2;
export const META_BYTES = PAGE_HEADER_BYTES + 144;

const MAGIC = 0xbeefc0de;
const VERSION = 2;
const FREE_TREE_AT = PAGE_HEADER_BYTES + 24;
const MAIN_TREE_AT = FREE_TREE_AT + 48;
const LAST_PAGE_AT = MAIN_TREE_AT + 48;
const TRANSACTION_AT = LAST_PAGE_AT + 8;
const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16_384, 32_768];

/** Undefined when the bytes are not the meta page of that number, of a layout that is known here. */
export function readMeta(bytes: Buffer, number: number): Meta | undefined {
  const pageSize = bytes.readUInt32LE(FREE_TREE_AT);
  if (!isMetaPage(bytes, number)) return undefined;
  if (bytes.readUInt32LE(PAGE_HEADER_BYTES) !== MAGIC) return undefined;
  if (bytes.readUInt32LE(PAGE_HEADER_BYTES + 4) !== VERSION || !PAGE_SIZES.includes(pageSize))
    return undefined;
  return {
    pageSize,
    transaction: Number(bytes.readBigUInt64LE(TRANSACTION_AT)),
    lastPage: Number(bytes.readBigUInt64LE(LAST_PAGE_AT)),
    free: readTree(bytes, FREE_TREE_AT),
    main: readTree(bytes, MAIN_TREE_AT),
  };
}

/**
 * Transactions write the two pages in turn: odd ones the second, even ones the first. So of two sound pages
 * the newer is one transaction ahead; else the store would be read as it was before an acknowledged write.
 */
export function newerOf(first: Meta, second: Meta): Meta | undefined {
  const isNew = first.transaction === 0 && second.transaction === 0;
  if (!isNew && Math.abs(first.transaction - second.transaction) !== 1) return undefined;
  if (first.transaction % 2 !== 0 || (!isNew && second.transaction % 2 !== 1)) return undefined;
  if (first.pageSize !== second.pageSize || first.free.flags !== second.free.flags) return undefined;
  if (!isNew && first.main.flags !== second.main.flags) return undefined;
  return second.transaction > first.transaction ? second : first;
}

function readTree(bytes: Buffer, at: number): Tree {
  return {
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    branchPages: Number(bytes.readBigUInt64LE(at + 8)),
    leafPages: Number(bytes.readBigUInt64LE(at + 16)),
    overflowPages: Number(bytes.readBigUInt64LE(at + 24)),
    entries: Number(bytes.readBigUInt64LE(at + 32)),
    root: bytes.readBigUInt64LE(at + 40),
  };
}
