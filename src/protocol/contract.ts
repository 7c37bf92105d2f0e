import { fileURLToPath } from 'node:url';
import {
  loadPackageDefinition,
  type MethodDefinition,
  type ServiceClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ClientMessage, ServerMessage } from './frames.js';
import { takeClientMessage } from './wire/decode-client-message.js';
import { encodeClientMessage } from './wire/encode-client-message.js';
import { decodeServerMessage, encodeServerMessage } from './wire/server-message.js';

// They stand in a file of their own so that the coordinator's core can know them without loading gRPC.
export { MAX_MESSAGE_BYTES, PROTOCOL_VERSION } from './version.js';

/** The port that the coordinator listens on when none is given. */
export const DEFAULT_PORT = 8091;

const PROTO_DIRECTORY = fileURLToPath(new URL('../../../proto', import.meta.url));

interface Services {
  readonly Coordinator: ServiceClientConstructor;
  readonly Admin: ServiceClientConstructor;
}

/**
 * The stream carries everything that is done for each transaction. proto-loader reads a message into objects of its own
 * and those into plain ones, which takes the coordinator a fifth of its CPU more (docs/architecture.md); so its frames are
 * written and read here.
 */
const STREAM_CODEC = {
  requestSerialize: encodeClientMessage,
  requestDeserialize: takeClientMessage,
  responseSerialize: encodeServerMessage,
  responseDeserialize: decodeServerMessage,
};

interface StreamService {
  Connect: MethodDefinition<ClientMessage, ServerMessage>;
}

function load(): Services {
  const definition = loadSync(['globaltx/v1/coordinator.proto', 'globaltx/v1/admin.proto'], {
    includeDirs: [PROTO_DIRECTORY],
    keepCase: false,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const coordinator = definition['globaltx.v1.Coordinator'] as unknown as StreamService;
  coordinator.Connect = { ...coordinator.Connect, ...STREAM_CODEC };
  const loaded = loadPackageDefinition(definition) as unknown as { globaltx: { v1: Services } };
  return loaded.globaltx.v1;
}

const services = load();

/** The client constructor of the Coordinator service; its `service` is the definition that a server adds. */
export const Coordinator: ServiceClientConstructor = services.Coordinator;
export const CoordinatorService: ServiceDefinition = Coordinator.service;

/** What operators see and order; see `admin.ts`. */
export const Admin: ServiceClientConstructor = services.Admin;
export const AdminService: ServiceDefinition = Admin.service;
