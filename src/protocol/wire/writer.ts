/** Wire types of protocol buffers: how a field's value is laid out. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;

const FIRST_BYTES = 16 * 1024;
/** A buffer that was needed once for something large is not kept for ever. */
const KEPT_BYTES = 1024 * 1024;
/** The length of a nested message is written in two bytes, filled up where one would do, which every reader takes. */
const LENGTH_BYTES = 2;
const LARGEST_IN_LENGTH_BYTES = 2 ** (7 * LENGTH_BYTES) - 1;
/** A character takes so many bytes at most. */
const UTF8_BYTES = 3;
const VARINT_BYTES = 5;

/** Writes one message at a time in the format of protocol buffers. Fields that have their default value are left out. */
export class Writer {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  /** What `write` writes, as bytes of its own. */
  message(write: () => void): Buffer {
    // One that failed half way has left something behind.
    this.#at = 0;
    write();
    const written = Buffer.from(this.#bytes.subarray(0, this.#at));
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
    return written;
  }

  /** A nested message, also when it has nothing in it. */
  nested<Body>(field: number, body: Body, write: (body: Body) => void): void {
    const begin = this.#begin(field);
    write(body);
    this.#end(begin);
  }

  uint32(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(2 * VARINT_BYTES);
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
  }

  bool(field: number, value: boolean): void {
    this.uint32(field, value ? 1 : 0);
  }

  string(field: number, value: string): void {
    if (value !== '') this.item(field, value);
  }

  /** As `string`, but written even when it is empty: as an item of a list must be. */
  item(field: number, value: string): void {
    this.#reserve(2 * VARINT_BYTES + UTF8_BYTES * value.length);
    this.#varint(field * 8 + LENGTH_DELIMITED);
    const begin = this.#at;
    this.#varint(value.length);
    if (this.#ascii(value)) return;
    // The length in bytes is another one than that in characters.
    this.#at = begin;
    this.#varint(Buffer.byteLength(value));
    this.#at += this.#bytes.write(value, this.#at);
  }

  #begin(field: number): number {
    this.#reserve(VARINT_BYTES + LENGTH_BYTES);
    this.#varint(field * 8 + LENGTH_DELIMITED);
    this.#at += LENGTH_BYTES;
    return this.#at;
  }

  #end(begin: number): void {
    const length = this.#at - begin;
    if (length <= LARGEST_IN_LENGTH_BYTES) {
      this.#bytes[begin - 2] = (length & 127) | 128;
      this.#bytes[begin - 1] = length >>> 7;
      return;
    }
    const further = VARINT_BYTES - LENGTH_BYTES;
    this.#reserve(further);
    this.#bytes.copyWithin(begin + further, begin, this.#at);
    const end = this.#at + further;
    this.#at = begin - LENGTH_BYTES;
    for (let rest = length, byte = 1; byte <= VARINT_BYTES; byte++, rest >>>= 7) {
      this.#bytes[this.#at++] = (rest & 127) | (byte < VARINT_BYTES ? 128 : 0);
    }
    this.#at = end;
  }

  #ascii(value: string): boolean {
    const bytes = this.#bytes;
    const begin = this.#at;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code > 127) return false;
      bytes[begin + at] = code;
    }
    this.#at = begin + value.length;
    return true;
  }

  #varint(value: number): void {
    let rest = value >>> 0;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
