import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { GlobalTxError } from '../../protocol/errors.js';
import { META_BYTES, META_PAGES, type Meta, newerOf, readMeta, type Tree } from './lmdb-meta.js';
import {
  kindOf,
  NO_PAGE,
  type Node,
  nodesOf,
  overflowPages,
  PAGE_HEADER_BYTES,
  writtenBy,
} from './lmdb-page.js';

/**
 * lmdb trusts its file: it maps it into memory and follows page numbers as they stand. In a file that was
 * cut off or damaged that ends the process by SIGBUS or SIGSEGV, or, worse, a page that is in use is taken for
 * a free one and written over. So the trees are walked here, before lmdb sees the file: every page must be
 * what its parent says, keys must be in order, and each page must be in use or free, once.
 * @throws GlobalTxError STORE_CORRUPT when that is not so.
 */
export function requireSoundFile(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    new FileCheck(path, file).run();
  } finally {
    closeSync(file);
  }
}

/** What a walk of one tree has met. */
interface Found {
  branch: number;
  leaf: number;
  overflow: number;
  entries: number;
}

/** The keys that may stand below a place: from `least` on, and before `limit`. */
interface Bounds {
  readonly least: Buffer | undefined;
  readonly limit: Buffer | undefined;
}

/** How the keys of a tree are ordered, and what else is to be held about its entries. */
interface Rules {
  readonly name: string;
  readonly compare: (left: Buffer, right: Buffer) => number;
  readonly visit: (node: Node) => void;
}

/** More pages than any file could have had when it has so few now. */
const ABSURD = 2 ** 32;

class FileCheck {
  readonly #path: string;
  readonly #file: number;
  readonly #meta: Meta;
  /** 1 for each page that is accounted for. */
  readonly #seen: Uint8Array;

  constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
    this.#meta = this.#newestMeta();
    const { lastPage, pageSize } = this.#meta;
    // Free pages at the end need not be in the file, but a file does not lose nearly all of its pages.
    const most = Math.min(ABSURD, 1_000 * (fstatSync(file).size / pageSize + 1_000));
    if (lastPage > most) throw this.#damage(`it speaks of ${lastPage} pages`);
    this.#seen = new Uint8Array(lastPage + 1);
  }

  run(): void {
    for (let page = 0; page < META_PAGES; page += 1) this.#see(page);
    this.#walkTree(this.#meta.free, {
      name: 'the tree of free pages',
      compare: (left, right) => Number(left.readBigUInt64LE(0) - right.readBigUInt64LE(0)),
      visit: (node) => this.#seeFree(node),
    });
    this.#walkTree(this.#meta.main, {
      name: 'the tree of records',
      compare: (left, right) => Buffer.compare(left, right),
      visit: (node) => this.#see(...overflowOf(node)),
    });
    const lost = this.#seen.indexOf(0);
    if (lost !== -1) throw this.#damage(`page ${lost} is neither in use nor free`);
  }

  #newestMeta(): Meta {
    const first = readMeta(this.#read(0, META_BYTES), 0);
    const second = first && readMeta(this.#read(first.pageSize, META_BYTES), 1);
    const newer = first && second && newerOf(first, second);
    if (newer === undefined) throw this.#damage('its first pages are not those of a sound store');
    return newer;
  }

  #walkTree(tree: Tree, rules: Rules): void {
    const found: Found = { branch: 0, leaf: 0, overflow: 0, entries: 0 };
    if (tree.root !== NO_PAGE) {
      this.#walk(Number(tree.root), tree.depth, { least: undefined, limit: undefined }, found, rules);
    }
    const same =
      found.branch === tree.branchPages &&
      found.leaf === tree.leafPages &&
      found.overflow === tree.overflowPages &&
      found.entries === tree.entries;
    if (!same) throw this.#damage(`${rules.name} has not as many pages and entries as it should have`);
  }

  #walk(number: number, depth: number, bounds: Bounds, found: Found, rules: Rules): void {
    this.#see(number);
    const page = this.#page(number);
    const kind = kindOf(page, number);
    if (kind === 'overflow' || kind !== (depth > 1 ? 'branch' : 'leaf')) {
      throw this.#damage(`page ${number} is not what it should be`);
    }
    const nodes = nodesOf(page, kind);
    if (nodes === undefined) throw this.#damage(`page ${number} makes no sense`);
    found[kind] += 1;
    // The first key of a branch is not stored: it stands for everything that is small enough.
    const keys = nodes.map((node, index) => (kind === 'branch' && index === 0 ? bounds.least : node.key));
    if (!inOrder(keys, bounds, rules.compare))
      throw this.#damage(`the keys of page ${number} are out of order`);
    nodes.forEach((node, index) => {
      if (kind === 'branch') {
        const below = { least: keys[index], limit: keys[index + 1] ?? bounds.limit };
        this.#walk(node.child, depth - 1, below, found, rules);
        return;
      }
      found.entries += 1;
      found.overflow += this.#requireOverflow(node);
      rules.visit(node);
    });
  }

  /** The pages that a value has for itself are there. */
  #requireOverflow({ overflow }: Node): number {
    if (overflow === undefined) return 0;
    const { page, pages, bytes } = overflow;
    const head = this.#page(page);
    const needed = Math.ceil((PAGE_HEADER_BYTES + bytes) / this.#meta.pageSize);
    if (kindOf(head, page) !== 'overflow' || overflowPages(head) !== pages || pages !== needed) {
      throw this.#damage(`page ${page} is not what it should be`);
    }
    this.#read((page + pages) * this.#meta.pageSize - 1, 1);
    return pages;
  }

  /**
   * An entry of the tree of free pages: how many words follow, then page numbers; a word -N says that the next
   * one is the first of N pages, and 0 says nothing.
   */
  #seeFree(node: Node): void {
    this.#see(...overflowOf(node));
    const list = node.value ?? this.#overflowValue(node);
    const words = Number(list.readBigUInt64LE(0));
    if (8 * (words + 1) > list.length) throw this.#damage('a list of free pages is too long');
    let together = 1;
    for (let word = 1; word <= words; word += 1) {
      const value = Number(list.readBigInt64LE(8 * word));
      if (value < 0) together = -value;
      if (value <= 0) continue;
      this.#see(value, together);
      together = 1;
    }
  }

  #overflowValue({ overflow }: Node): Buffer {
    if (overflow === undefined) return Buffer.alloc(8);
    return this.#read(overflow.page * this.#meta.pageSize + PAGE_HEADER_BYTES, overflow.bytes);
  }

  #see(first = 0, count = 1): void {
    for (let page = first; page < first + count; page += 1) {
      if (page >= this.#seen.length) throw this.#damage(`there is no page ${page}`);
      if (this.#seen[page] === 1) throw this.#damage(`page ${page} is used twice`);
      this.#seen[page] = 1;
    }
  }

  #page(number: number): Buffer {
    if (number >= this.#seen.length) throw this.#damage(`there is no page ${number}`);
    const page = this.#read(number * this.#meta.pageSize, this.#meta.pageSize);
    // lmdb takes a page of a later transaction for its own copy, and would write into the mapped file.
    if (writtenBy(page) > this.#meta.transaction) throw this.#damage(`page ${number} is of a later time`);
    return page;
  }

  #read(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    const read = readSync(this.#file, bytes, 0, length, position);
    if (read < length) throw this.#damage('it was cut off');
    return bytes;
  }

  #damage(what: string): GlobalTxError {
    return new GlobalTxError(
      'STORE_CORRUPT',
      `The store is damaged: in ${this.#path} ${what}. Restore the directory from a copy, or ask for help before ` +
        'anything else is done with it.',
      { details: { file: this.#path } },
    );
  }
}

/** The pages that a value has for itself, as first and number. */
function overflowOf({ overflow }: Node): [first: number, count: number] {
  return overflow === undefined ? [0, 0] : [overflow.page, overflow.pages];
}

function inOrder(
  keys: readonly (Buffer | undefined)[],
  { least, limit }: Bounds,
  compare: (left: Buffer, right: Buffer) => number,
): boolean {
  return keys.every((key, index) => {
    if (key === undefined) return true;
    const before = index === 0 ? least : keys[index - 1];
    if (before !== undefined && (index === 0 ? compare(before, key) > 0 : compare(before, key) >= 0))
      return false;
    return limit === undefined || compare(key, limit) < 0;
  });
}
