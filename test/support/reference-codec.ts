import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO_DIRECTORY = fileURLToPath(new URL('../../../proto', import.meta.url));

const definition = loadSync('globaltx/v1/coordinator.proto', {
  includeDirs: [PROTO_DIRECTORY],
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});
const { globaltx } = loadPackageDefinition(definition) as unknown as {
  globaltx: { v1: { Coordinator: ServiceClientConstructor } };
};

/** How protobufjs writes and reads the messages of the stream; takes what is no proper frame, too. */
export const REFERENCE = globaltx.v1.Coordinator.service.Connect!;
