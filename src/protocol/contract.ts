import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ServiceClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** The version of proto/globaltx/v1 that both sides speak. */
export const PROTOCOL_VERSION = 1;

/** No message on the wire is larger: both sides set it as gRPC's limit for sending and receiving, in bytes. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

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
