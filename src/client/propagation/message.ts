import { requireClient } from '../process-client.js';
import { runInContext } from '../transaction/context.js';
import { Admission } from './admission.js';
import { XID_HEADER } from './header.js';

type Headers = Readonly<Record<string, unknown>>;

/** A message as amqplib gives it. */
interface AmqpMessage {
  readonly properties: { readonly headers?: Headers | undefined };
}

/** A message as KafkaJS gives it; also anything else that has `headers`. */
interface HeadedMessage {
  readonly headers?: Headers | undefined;
}

export type Message = AmqpMessage | HeadedMessage;

export interface MessageOptions<Source extends Message> {
  /**
   * Whether this message may join the transaction that it names: whoever can write to the queue could name one.
   * @default every message
   */
  readonly trust?: (message: Source) => boolean;
}

/** The xid that a message carries, as text; KafkaJS gives headers as bytes. */
export function xidOf(message: Message): unknown {
  const headers = 'properties' in message ? message.properties.headers : message.headers;
  const value = headers?.[XID_HEADER];
  return Buffer.isBuffer(value) ? value.toString('latin1') : value;
}

/**
 * Handles a message inside the global transaction that its header TX_XID names, or outside of any when it names
 * none. The sender puts it there by `headers: await transactionHeaders()`, and must wait for an answer before its own
 * function returns: once the transaction has ended, nothing can be written in it any more.
 *
 * @throws what `fn` throws; GlobalTxError INVALID_XID (also when it is not trusted), NOT_CONNECTED, CLIENT_CLOSED,
 * LOCAL_TRANSACTION_OPEN, ROLLBACK_ONLY
 *
 * @example
 * await channel.consume('reservations', async (message) => {
 *   if (message === null) return; // the consumer was cancelled
 *   await joinMessage(message, () => reserve(message.content)).catch((error) => answer(message, error));
 *   channel.ack(message);
 * });
 */
export async function joinMessage<Source extends Message, Result>(
  message: Source,
  fn: () => Result | PromiseLike<Result>,
  options: MessageOptions<Source> = {},
): Promise<Result> {
  const xid = xidOf(message);
  if (xid === undefined) return await runInContext(undefined, fn);
  new Admission<Source>(options.trust).check(message, undefined);
  return await requireClient().manager.join(String(xid), fn);
}
