import type { Metadata } from '@grpc/grpc-js';
import { XID_HEADER } from '../header.js';

/** Names of gRPC metadata are lower case. */
export const XID_METADATA = XID_HEADER.toLowerCase();

/** What came under the xid's name; undefined when nothing did. */
export function xidOf(metadata: Pick<Metadata, 'get'>): string | undefined {
  const values = metadata.get(XID_METADATA);
  return values.length === 0 ? undefined : values.join(',');
}
