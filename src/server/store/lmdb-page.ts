/**
 * How the lmdb package (data version 2) lays out a page. Numbers are little endian; the package writes the
 * machine's own order, and Node runs on little-endian machines with a 64-bit lmdb only.
 */
export const PAGE_HEADER_BYTES = 24;
const FLAGS_AT = 18;
const LOWER_AT = 20;
const UPPER_AT = 22;
const OVERFLOW_PAGES_AT = 20;
const NODE_HEADER_BYTES = 8;
const BIG_DATA = 0x01;
const OVERFLOW_REFERENCE_BYTES = 24;

export const NO_PAGE = 2n ** 64n - 1n;

export type PageKind = 'branch' | 'leaf' | 'overflow';

export interface Node {
  readonly key: Buffer;
  /** In a branch: the page below. */
  readonly child: number;
  /** In a leaf: the value, if it stands in the page. */
  readonly value: Buffer | undefined;
  /** In a leaf: where the value stands else. */
  readonly overflow: { readonly page: number; readonly pages: number; readonly bytes: number } | undefined;
}

export function isMetaPage(page: Buffer, number: number): boolean {
  return page.readBigUInt64LE(0) === BigInt(number) && page.readUInt16LE(FLAGS_AT) === 8;
}

/** Undefined when the page says that it is another one, or none of these kinds. */
export function kindOf(page: Buffer, number: number): PageKind | undefined {
  if (page.readBigUInt64LE(0) !== BigInt(number)) return undefined;
  switch (page.readUInt16LE(FLAGS_AT)) {
    case 1:
      return 'branch';
    case 2:
      return 'leaf';
    case 4:
      return 'overflow';
    default:
      return undefined;
  }
}

/** The number of the transaction that wrote the page. */
export function writtenBy(page: Buffer): number {
  return Number(page.readBigUInt64LE(8));
}

export function overflowPages(page: Buffer): number {
  return page.readUInt32LE(OVERFLOW_PAGES_AT);
}

/** The nodes of a branch or a leaf; undefined when one of them reaches beyond the page. */
export function nodesOf(page: Buffer, kind: 'branch' | 'leaf'): Node[] | undefined {
  const lower = page.readUInt16LE(LOWER_AT);
  const upper = page.readUInt16LE(UPPER_AT);
  const room = page.length - PAGE_HEADER_BYTES;
  if (lower % 2 !== 0 || lower > upper || upper > room) return undefined;
  const nodes: Node[] = [];
  for (let pointer = 0; pointer < lower; pointer += 2) {
    const at = page.readUInt16LE(PAGE_HEADER_BYTES + pointer);
    if (at < upper || at + NODE_HEADER_BYTES > room) return undefined;
    const node = nodeAt(page, PAGE_HEADER_BYTES + at, kind);
    if (node === undefined) return undefined;
    nodes.push(node);
  }
  return nodes;
}

function nodeAt(page: Buffer, at: number, kind: 'branch' | 'leaf'): Node | undefined {
  const low = page.readUInt32LE(at);
  const flags = page.readUInt16LE(at + 4);
  const keyEnd = at + NODE_HEADER_BYTES + page.readUInt16LE(at + 6);
  if (keyEnd > page.length) return undefined;
  const key = page.subarray(at + NODE_HEADER_BYTES, keyEnd);
  if (kind === 'branch') return { key, child: low + flags * 2 ** 32, value: undefined, overflow: undefined };
  if (flags === BIG_DATA) {
    if (keyEnd + OVERFLOW_REFERENCE_BYTES > page.length) return undefined;
    const overflow = {
      page: Number(page.readBigUInt64LE(keyEnd)),
      pages: Number(page.readBigUInt64LE(keyEnd + 16)),
      bytes: low,
    };
    return { key, child: 0, value: undefined, overflow };
  }
  if (flags !== 0 || keyEnd + low > page.length) return undefined;
  return { key, child: 0, value: page.subarray(keyEnd, keyEnd + low), overflow: undefined };
}
