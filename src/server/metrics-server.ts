import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { GlobalTxError } from '../protocol/errors.js';

/** Serves Prometheus text at /metrics on a port of its own. */
export class MetricsServer {
  readonly #server: Server;

  constructor(registry: Registry, failed: (error: unknown) => void) {
    this.#server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
        response.writeHead(404).end('Metrics are at /metrics.\n');
        return;
      }
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        (error: unknown) => {
          failed(error);
          response.writeHead(500).end();
        },
      );
    });
  }

  /** Resolves with the port. @throws GlobalTxError INVALID_OPTION */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => {
        reject(
          new GlobalTxError(
            'INVALID_OPTION',
            `It is not possible to serve metrics on ${host}:${port}: ${error.message}`,
            {
              cause: error,
            },
          ),
        );
      });
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
