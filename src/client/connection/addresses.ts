import { DEFAULT_PORT } from '../../protocol/contract.js';
import { GlobalTxError } from '../../protocol/errors.js';

const HOST_AND_PORT = /^(?<host>\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+)(?::(?<port>\d{1,5}))?$/;

function parseAddress(text: string): string {
  const match = HOST_AND_PORT.exec(text);
  const port = Number(match?.groups?.port ?? DEFAULT_PORT);
  if (match?.groups === undefined || port < 1 || port > 65_535) {
    throw new GlobalTxError(
      'INVALID_OPTION',
      `coordinator: '${text}' is not a host and port; write 'localhost:${DEFAULT_PORT}', several separated by commas`,
    );
  }
  return `${match.groups.host}:${port}`;
}

/**
 * Reads the addresses of the coordinator: `host`, `host:port` or `[ipv6]:port`, several separated by commas.
 * A missing port is 8091.
 *
 * @throws GlobalTxError INVALID_OPTION
 */
export function parseAddresses(text: string): readonly [string, ...string[]] {
  const [first, ...rest] = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (first === undefined) {
    throw new GlobalTxError(
      'INVALID_OPTION',
      `coordinator: no address is given; write 'localhost:${DEFAULT_PORT}'`,
    );
  }
  return [parseAddress(first), ...rest.map(parseAddress)];
}
