import { BlockList, isIP } from 'node:net';
import { GlobalTxError } from '../../protocol/errors.js';

/**
 * Whose xid is taken: a function that gives true, or a list of addresses and of networks ('10.0.0.7',
 * '10.0.0.0/8', 'fd00::/8') that the sender's own address must be in. Behind a proxy that address is the proxy's.
 */
export type Trust<Source> = ((source: Source) => boolean) | readonly string[];

type Trusts<Source> = (source: Source, address: string | undefined) => boolean;

function addressList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', length, ...more] = String(entry).split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const longest = family === 'ipv6' ? 128 : 32;
    const bits = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : -1;
    if (isIP(address) === 0 || bits < 0 || bits > longest || more.length > 0) {
      throw new GlobalTxError(
        'INVALID_OPTION',
        `trust: '${String(entry)}' is neither an address nor a network such as 10.0.0.0/8`,
      );
    }
    list.addSubnet(address, bits, family);
  }
  return list;
}

/** @throws GlobalTxError INVALID_OPTION */
export function trusting<Source>(trust: Trust<Source> | undefined): Trusts<Source> {
  if (trust === undefined) return () => true;
  if (typeof trust === 'function') {
    // A promise is not true, and must not be taken for it.
    return (source) => trust(source) === true;
  }
  if (!Array.isArray(trust)) {
    throw new GlobalTxError('INVALID_OPTION', 'trust: it must be a function or a list of addresses');
  }
  const list = addressList(trust);
  return (_source, address) =>
    address !== undefined &&
    isIP(address) !== 0 &&
    list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
