import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname } from 'node:path';
import type { Dice } from '../../simulation/dice.js';

/** A machine that loses its power may have each of these, or not. */
const SECTOR = 512;
/** No real descriptor is so large. */
const FIRST_DESCRIPTOR = 1_000_000;

/** What was done to a file and is not on the disk yet. */
type Pending = { readonly at: number; readonly bytes: Buffer } | { readonly length: number };

interface File {
  /** What processes see. */
  cached: Buffer;
  /** What survives when the power is lost. */
  durable: Buffer;
  pending: Pending[];
}

type Names = Map<string, File>;

/** Thrown where the process is killed, and by everything that it would still do. */
class Killed extends Error {
  constructor() {
    super('the process is dead');
  }
}

/**
 * One directory of a disk that keeps no more than what it must: only what was flushed survives a loss of power, and of
 * the rest any sector may; the name of a file survives only when its directory was flushed. When a flush has failed, the
 * next one says that all is well, and what the first one should have written is not on the disk (as Linux does it).
 */
export class SimulatedDisk {
  readonly directory: string;
  readonly #dice: Dice;
  #names: Names = new Map();
  #durableNames: Names = new Map();
  #pendingNames: ((names: Names) => void)[] = [];
  #open = new Map<number, { readonly file: File | undefined; readonly life: number }>();
  #nextDescriptor = FIRST_DESCRIPTOR;
  #life = 0;
  #isDead = false;
  /** So many calls from now the process is killed. */
  killIn = Number.POSITIVE_INFINITY;
  /** So many calls from now one fails, if it is a write or a flush. */
  failIn = Number.POSITIVE_INFINITY;

  constructor(directory: string, dice: Dice) {
    this.directory = directory;
    this.#dice = dice;
  }

  /** From here on the directory is that of this disk, for this process, until what is returned is called. */
  mount(): () => void {
    const real = { ...fs };
    const isOurs = (path: unknown) => typeof path === 'string' && path.startsWith(this.directory);
    const isOpen = (descriptor: unknown) => Number(descriptor) >= FIRST_DESCRIPTOR;
    const route =
      (belongs: (first: unknown) => boolean, original: unknown, own: (...given: never[]) => unknown) =>
      (...given: unknown[]) =>
        belongs(given[0])
          ? own(...(given as never[]))
          : (original as (...all: unknown[]) => unknown)(...given);
    const own = {
      existsSync: route(isOurs, real.existsSync, (path: string) => this.#exists(path)),
      mkdirSync: route(isOurs, real.mkdirSync, () => undefined),
      utimesSync: route(isOurs, real.utimesSync, () => undefined),
      readdirSync: route(isOurs, real.readdirSync, () => [...this.#names.keys()]),
      readFileSync: route(isOurs, real.readFileSync, (path: string, encoding?: BufferEncoding) => {
        const bytes = Buffer.from(this.#file(path).cached);
        return encoding === undefined ? bytes : bytes.toString(encoding);
      }),
      writeFileSync: route(isOurs, real.writeFileSync, (path: string, text: string) => {
        const descriptor = this.#openFile(path, 'w');
        this.#write(descriptor, Buffer.from(text), 0);
        this.#close(descriptor);
      }),
      openSync: route(isOurs, real.openSync, (path: string, flags: string) => this.#openFile(path, flags)),
      closeSync: route(isOpen, real.closeSync, (descriptor: number) => this.#close(descriptor)),
      writeSync: route(
        isOpen,
        real.writeSync,
        (descriptor: number, bytes: Buffer, offset: number, length: number, at: number) =>
          this.#write(descriptor, bytes.subarray(offset, offset + length), at),
      ),
      ftruncateSync: route(isOpen, real.ftruncateSync, (descriptor: number, length: number) =>
        this.#truncate(descriptor, length),
      ),
      fsyncSync: route(isOpen, real.fsyncSync, (descriptor: number) => this.#flush(descriptor)),
      fdatasyncSync: route(isOpen, real.fdatasyncSync, (descriptor: number) => this.#flush(descriptor)),
      fdatasync: route(isOpen, real.fdatasync, (descriptor: number, done: (error: Error | null) => void) => {
        let failure: Error | null = null;
        try {
          this.#flush(descriptor);
        } catch (error) {
          failure = error as Error;
        }
        setImmediate(() => done(failure));
      }),
      renameSync: route(isOurs, real.renameSync, (from: string, to: string) => {
        const file = this.#file(from);
        this.#rename((names) => {
          names.delete(basename(from));
          names.set(basename(to), file);
        });
      }),
      linkSync: route(isOurs, real.linkSync, (from: string, to: string) => {
        if (this.#exists(to)) throw Object.assign(new Error('it exists'), { code: 'EEXIST' });
        const file = this.#file(from);
        this.#rename((names) => names.set(basename(to), file));
      }),
      rmSync: route(isOurs, real.rmSync, (path: string) => {
        if (this.#exists(path)) this.#rename((names) => names.delete(basename(path)));
      }),
    };
    Object.assign(fs, own);
    syncBuiltinESMExports();
    return () => {
      for (const name of Object.keys(own) as (keyof typeof own)[]) Object.assign(fs, { [name]: real[name] });
      syncBuiltinESMExports();
    };
  }

  /** The process is gone, the machine goes on: what is cached stays, and is on the disk some time. */
  restartProcess(): void {
    this.#life += 1;
    this.#isDead = false;
    this.killIn = Number.POSITIVE_INFINITY;
    this.failIn = Number.POSITIVE_INFINITY;
    this.forgetLock();
    this.#open.clear();
  }

  /** The lock of a process that is dead: this one has the same pid. */
  forgetLock(): void {
    for (const name of this.#names.keys()) if (name.startsWith('lock')) this.#names.delete(name);
  }

  /** The machine is gone, too. */
  losePower(): void {
    const survivors = this.#dice.under(this.#pendingNames.length + 1);
    for (const change of this.#pendingNames.slice(0, survivors)) change(this.#durableNames);
    for (const file of this.#durableNames.values()) this.#settle(file);
    this.#names = new Map(this.#durableNames);
    this.#pendingNames = [];
    this.restartProcess();
  }

  #settle(file: File): void {
    for (const change of file.pending) {
      if ('length' in change) {
        if (this.#dice.chance(0.5)) file.durable = resized(file.durable, change.length);
        continue;
      }
      const { at, bytes } = change;
      for (let begin = at; begin < at + bytes.length; ) {
        const end = Math.min((Math.floor(begin / SECTOR) + 1) * SECTOR, at + bytes.length);
        if (this.#dice.chance(0.5))
          file.durable = written(file.durable, begin, bytes.subarray(begin - at, end - at));
        begin = end;
      }
    }
    file.pending = [];
    file.cached = file.durable;
  }

  /** A call that changes something. @returns whether it fails */
  #turn(): boolean {
    if (this.#isDead) throw new Killed();
    this.killIn -= 1;
    this.failIn -= 1;
    if (this.killIn < 0) this.#isDead = true;
    return this.failIn === 0;
  }

  #endIfKilled(): void {
    if (this.#isDead) throw new Killed();
  }

  #exists(path: string): boolean {
    return path === this.directory || this.#names.has(basename(path));
  }

  #file(path: string): File {
    const file = this.#names.get(basename(path));
    if (file === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return file;
  }

  #rename(change: (names: Names) => void): void {
    this.#turn();
    this.#endIfKilled();
    change(this.#names);
    this.#pendingNames.push(change);
  }

  #openFile(path: string, flags: string): number {
    const descriptor = this.#nextDescriptor++;
    if (path === this.directory) {
      this.#open.set(descriptor, { file: undefined, life: this.#life });
      return descriptor;
    }
    if (dirname(path) !== this.directory) throw new Error(`${path} is not in ${this.directory}`);
    if (flags === 'w') {
      const file: File = { cached: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] };
      this.#rename((names) => names.set(basename(path), file));
    }
    this.#open.set(descriptor, { file: this.#file(path), life: this.#life });
    return descriptor;
  }

  #close(descriptor: number): void {
    this.#open.delete(descriptor);
  }

  #opened(descriptor: number): File | undefined {
    const found = this.#open.get(descriptor);
    if (found === undefined || found.life !== this.#life) throw new Killed();
    return found.file;
  }

  #write(descriptor: number, bytes: Buffer, at: number): number {
    const file = this.#opened(descriptor)!;
    const fails = this.#turn();
    // Cut off, whoever is to blame.
    const part = fails || this.#isDead ? bytes.subarray(0, this.#dice.under(bytes.length + 1)) : bytes;
    const copy = Buffer.from(part);
    file.cached = written(file.cached, at, copy);
    file.pending.push({ at, bytes: copy });
    this.#endIfKilled();
    if (fails) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    return bytes.length;
  }

  #truncate(descriptor: number, length: number): void {
    const file = this.#opened(descriptor)!;
    this.#turn();
    this.#endIfKilled();
    file.cached = resized(file.cached, length);
    file.pending.push({ length });
  }

  #flush(descriptor: number): void {
    const file = this.#opened(descriptor);
    const fails = this.#turn();
    this.#endIfKilled();
    if (file === undefined) {
      if (fails) throw brokenDisk();
      for (const change of this.#pendingNames) change(this.#durableNames);
      this.#pendingNames = [];
      return;
    }
    if (fails) {
      // The pages count as clean from now on; some of them may have reached the disk.
      const { cached } = file;
      this.#settle(file);
      file.cached = cached;
      throw brokenDisk();
    }
    for (const change of file.pending) {
      file.durable =
        'length' in change
          ? resized(file.durable, change.length)
          : written(file.durable, change.at, change.bytes);
    }
    file.pending = [];
  }
}

function brokenDisk(): Error {
  return Object.assign(new Error('i/o error'), { code: 'EIO' });
}

function resized(bytes: Buffer, length: number): Buffer {
  return length <= bytes.length
    ? bytes.subarray(0, length)
    : Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);
}

function written(bytes: Buffer, at: number, part: Buffer): Buffer {
  const result = Buffer.from(resized(bytes, Math.max(bytes.length, at + part.length)));
  part.copy(result, at);
  return result;
}
