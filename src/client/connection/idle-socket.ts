import type { Socket } from 'node:net';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';

/** Credentials of one channel that hand out its socket. */
export interface WatchedCredentials {
  readonly credentials: ChannelCredentials;
  /** From now on the channel's connection alone does not keep the process alive. */
  unref(): void;
}

/**
 * Plain-text credentials through which the socket of the channel can be reached. @grpc/grpc-js keeps the
 * process alive while a call is open, and ours is open always: a script that has done its work would never
 * end. The connector of the credentials is the one place where grpc-js hands its socket out.
 */
export function watchedCredentials(): WatchedCredentials {
  const watched = credentials.createInsecure();
  const createConnector = watched._createSecureConnector.bind(watched);
  const sockets = new Set<Socket>();
  watched._createSecureConnector = (...facts) => {
    const connector = createConnector(...facts);
    const connect = connector.connect.bind(connector);
    connector.connect = (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return connect(socket);
    };
    return connector;
  };
  return {
    credentials: watched,
    unref() {
      for (const socket of sockets) socket.unref();
    },
  };
}
