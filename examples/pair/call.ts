/** An order was not taken; the message says why. What throws it inside a global transaction rolls that back. */
export class Refused extends Error {}

export interface Order {
  readonly number: string;
  readonly userId: number;
  readonly amount: number;
}

/** Has the account service charge for an order: fetch carries the transaction along. */
export async function charge(accountUrl: string, order: Order): Promise<void> {
  const response = await fetch(`${accountUrl}/charges`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  // fetch does not throw when the answer is a refusal, and what does not throw is committed.
  if (!response.ok) throw new Refused(`the account service answered ${response.status}`);
}

/** Why an order was not taken, for the caller. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
