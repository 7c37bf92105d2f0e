/** A JSON document as the server prints it, with every token as it stands there. */
export type JsonNode = {
  /** JSON_TYPE(), once it is known. */
  type: string;
  readonly text: string;
} & (
  | { readonly kind: 'object'; readonly members: readonly (readonly [key: string, value: JsonNode])[] }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'scalar' }
);

const STRING = /"(?:[^"\\]|\\.)*"/y;
const SCALAR = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/y;
const SPACE = /\s*/y;

/** Reads without JSON.parse: that would round numbers and reorder keys. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonNode {
    const node = this.#node();
    this.#take(SPACE);
    if (this.#at !== this.#text.length) this.#fail();
    return node;
  }

  #node(): JsonNode {
    this.#take(SPACE);
    const start = this.#at;
    if (this.#skip('{')) {
      const members: [string, JsonNode][] = [];
      this.#list('}', () => {
        this.#take(SPACE);
        const key = JSON.parse(this.#take(STRING)) as string;
        this.#take(SPACE);
        if (!this.#skip(':')) this.#fail();
        members.push([key, this.#node()]);
      });
      return { kind: 'object', type: '', members, text: this.#text.slice(start, this.#at) };
    }
    if (this.#skip('[')) {
      const items: JsonNode[] = [];
      this.#list(']', () => items.push(this.#node()));
      return { kind: 'array', type: '', items, text: this.#text.slice(start, this.#at) };
    }
    return { kind: 'scalar', type: '', text: this.#take(SCALAR) };
  }

  #list(end: string, each: () => void): void {
    this.#take(SPACE);
    if (this.#skip(end)) return;
    for (;;) {
      each();
      this.#take(SPACE);
      if (this.#skip(end)) return;
      if (!this.#skip(',')) this.#fail();
    }
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #take(token: RegExp): string {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text)?.[0];
    if (found === undefined) return this.#fail();
    this.#at += found.length;
    return found;
  }

  #fail(): never {
    throw new Error(`The server printed JSON that cannot be read at place ${this.#at}.`);
  }
}

export function parseJsonText(text: string): JsonNode {
  return new JsonReader(text).document();
}
