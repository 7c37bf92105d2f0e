const VARINT_BYTES = 10;

/** Reads the format of protocol buffers. What is no message of it throws a RangeError. */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** The next field's number and wire type, as `number * 8 + type`; 0 at the end of the message. */
  tag(): number {
    if (this.#at === this.#end) return 0;
    const tag = this.uint32();
    if (tag < 8) throw new RangeError('no field has the number 0');
    return tag;
  }

  /** A number; of one that is larger, the lower 32 bits. */
  uint32(): number {
    let value = 0;
    for (let byte = 0; byte < VARINT_BYTES; byte++) {
      const next = this.#byte();
      if (byte < 5) value |= (next & 127) << (7 * byte);
      if (next < 128) return value >>> 0;
    }
    throw new RangeError('a number is too long');
  }

  bool(): boolean {
    return this.uint32() !== 0;
  }

  string(): string {
    const begin = this.#take(this.uint32());
    return this.#bytes.toString('utf8', begin, this.#at);
  }

  /** What `read` makes of the nested message that comes next. */
  inside<Body>(read: (reader: Reader) => Body): Body {
    const length = this.uint32();
    const outer = this.#end;
    if (length > outer - this.#at) throw new RangeError('a message is cut off');
    this.#end = this.#at + length;
    const body = read(this);
    this.#end = outer;
    return body;
  }

  /** Passes a field that is not known: a newer version may have it. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.uint32();
        return;
      case 1:
        this.#take(8);
        return;
      case 2:
        this.#take(this.uint32());
        return;
      case 5:
        this.#take(4);
        return;
      default:
        throw new RangeError(`there is no wire type ${tag & 7}`);
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new RangeError('a message is cut off');
    return this.#bytes[this.#at++]!;
  }

  /** @returns where the bytes begin */
  #take(length: number): number {
    const begin = this.#at;
    if (length > this.#end - begin) throw new RangeError('a message is cut off');
    this.#at = begin + length;
    return begin;
  }
}
