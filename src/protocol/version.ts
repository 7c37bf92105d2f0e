/** The version of proto/globaltx/v1 that both sides speak. */
export const PROTOCOL_VERSION = 1;

/** No message on the wire is larger: both sides set it as gRPC's limit for sending and receiving, in bytes. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
