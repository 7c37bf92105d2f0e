import { xidOf as xidOfMetadata } from '../grpc/metadata.js';
import { XID_HEADER, xidNamed } from '../header.js';
import { xidOf as xidOfMessage } from '../message.js';

/** The part of NestJS' ExecutionContext that is needed; typed by structure, so that no version of it is nailed down. */
export interface NestContext {
  getType(): string;
  getArgByIndex(index: number): unknown;
}

/** What names the transaction of a call, and where it came from. */
export interface Named {
  readonly xid: unknown;
  readonly address: string | undefined;
}

interface Carrier {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly socket?: { readonly remoteAddress?: string };
}

/** What the transports of @nestjs/microservices hand over beside the data; gRPC its Metadata. */
interface TransportContext {
  get?(name: string): unknown;
  getMessage?(): unknown;
  getHeaders?(): unknown;
  getMetadata?(): unknown;
}

function named(xid: unknown, address?: string): Named | undefined {
  return xid === undefined || xid === null ? undefined : { xid, address };
}

function ofRequest(request: unknown): Named | undefined {
  const { headers, socket } = Object(request) as Carrier;
  return named(
    xidNamed((name) => headers?.[name]),
    socket?.remoteAddress,
  );
}

/** NATS' headers are an object with a method `get`; the others are plain. */
function ofHeaders(headers: unknown): unknown {
  const { get } = Object(headers) as { get?: unknown };
  if (typeof get === 'function') return Reflect.apply(get, headers, [XID_HEADER]) || undefined;
  return (Object(headers) as Record<string, unknown>)[XID_HEADER];
}

function ofTransport(context: unknown): Named | undefined {
  const transport = Object(context) as TransportContext;
  if (typeof transport.getMessage === 'function') return named(xidOfMessage(Object(transport.getMessage())));
  if (typeof transport.getHeaders === 'function') return named(ofHeaders(transport.getHeaders()));
  if (typeof transport.getMetadata === 'function') return named(ofHeaders(transport.getMetadata()));
  if (typeof transport.get !== 'function') return undefined;
  return named(xidOfMetadata({ get: (name) => [transport.get?.(name) ?? []].flat() }));
}

/**
 * The xid that came with a call: in the header of HTTP (GraphQL over it, too), in the headers of a message (RabbitMQ,
 * Kafka, NATS), in the metadata of TCP or of gRPC. Undefined when none did.
 */
export function namedBy(context: NestContext): Named | undefined {
  switch (context.getType()) {
    case 'http':
      return ofRequest(context.getArgByIndex(0));
    case 'graphql':
      return ofRequest((Object(context.getArgByIndex(2)) as { req?: unknown }).req);
    case 'rpc':
      return ofTransport(context.getArgByIndex(1));
    default:
      return undefined;
  }
}
