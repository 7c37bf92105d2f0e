import { xidNamed } from '../header.js';

/** What came under the xid's name; undefined when nothing did. */
export function xidOf(metadata: { get(name: string): readonly unknown[] }): unknown {
  return xidNamed((name) => {
    const values = metadata.get(name);
    return values.length === 0 ? undefined : values.join(',');
  });
}
