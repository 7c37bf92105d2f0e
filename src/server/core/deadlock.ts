import type { GlobalTransaction, LockRequest } from './model.js';

/** One edge of the waits-for graph: a request, and a transaction that it waits for. */
export interface WaitEdge {
  readonly request: LockRequest;
  readonly blocker: GlobalTransaction;
}

function edgesOf(transaction: GlobalTransaction): WaitEdge[] {
  const edges: WaitEdge[] = [];
  for (const request of transaction.waiting) {
    const seen = new Set<GlobalTransaction>();
    for (const entry of request.blocked) {
      for (const blocker of entry.lock.waitsFor(entry)) {
        if (seen.has(blocker)) continue;
        seen.add(blocker);
        edges.push({ request, blocker });
      }
    }
  }
  return edges;
}

/** A cycle of the waits-for graph through this transaction, edge by edge, or undefined. */
export function findCycle(start: GlobalTransaction): readonly WaitEdge[] | undefined {
  const visited = new Set<GlobalTransaction>([start]);
  const path: WaitEdge[] = [];
  const stack: WaitEdge[][] = [edgesOf(start)];
  while (stack.length > 0) {
    const edge = stack.at(-1)!.pop();
    if (edge === undefined) {
      stack.pop();
      path.pop();
      continue;
    }
    if (edge.blocker === start) return [...path, edge];
    if (visited.has(edge.blocker)) continue;
    visited.add(edge.blocker);
    path.push(edge);
    stack.push(edgesOf(edge.blocker));
  }
  return undefined;
}

/** The edge of the youngest transaction on the cycle: it has lost the least by starting again. */
export function victimOf(cycle: readonly WaitEdge[]): WaitEdge {
  return cycle.reduce((youngest, edge) =>
    edge.request.transaction.age > youngest.request.transaction.age ? edge : youngest,
  );
}
