export { grpcClientGlobalTx } from './client.js';
export { type GrpcCaller, type GrpcServerOptions, grpcServerGlobalTx } from './server.js';
