import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ServiceClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

// They stand in a file of their own so that the coordinator's core can know them without loading gRPC.
export { MAX_MESSAGE_BYTES, PROTOCOL_VERSION } from './version.js';

/** The port that the coordinator listens on when none is given. */
export const DEFAULT_PORT = 8091;

const PROTO_DIRECTORY = fileURLToPath(new URL('../../../proto', import.meta.url));

interface CoordinatorPackage {
  readonly globaltx: { readonly v1: { readonly Coordinator: ServiceClientConstructor } };
}

function load(): ServiceClientConstructor {
  const definition = loadSync('globaltx/v1/coordinator.proto', {
    includeDirs: [PROTO_DIRECTORY],
    keepCase: false,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const loaded = loadPackageDefinition(definition) as unknown as CoordinatorPackage;
  return loaded.globaltx.v1.Coordinator;
}

/** The client constructor of the Coordinator service; its `service` is the definition that a server adds. */
export const Coordinator: ServiceClientConstructor = load();

export const CoordinatorService: ServiceDefinition = Coordinator.service;
