import type { Pool } from 'mysql2/promise';
import { type Bed, ROWS } from './bed.js';

/** How a transaction is made one: not at all, by our driver outside of one, by XA by hand, by globaltx. */
export const MODES = ['plain', 'passthrough', 'xa', 'at'] as const;
export type Mode = (typeof MODES)[number];

export interface Workload {
  readonly name: string;
  readonly modes: readonly Mode[];
  /** Databases that one transaction writes in. */
  readonly databases: 1 | 2;
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'one UPDATE, one database', modes: ['plain', 'passthrough', 'at'], databases: 1 },
  { name: 'one UPDATE each in two databases', modes: ['plain', 'xa', 'at'], databases: 2 },
];

const UPDATE = 'UPDATE account SET balance = balance + 1 WHERE id = ?';

let next = 0;

/** Keys go round, so that no two transactions in flight meet: what is measured is the way, not the waiting. */
function key(): number {
  next = (next + 1) % ROWS;
  return next;
}

async function local(pool: Pool, id: number): Promise<void> {
  const connection = await pool.getConnection();
  try {
    await connection.query('BEGIN');
    await connection.execute(UPDATE, [id]);
    await connection.query('COMMIT');
  } finally {
    connection.release();
  }
}

/** Both branches prepared, then both committed, each step in parallel: XA at its best. */
async function xa(pools: readonly Pool[], id: number): Promise<void> {
  const xid = `'bench-${id}-${Date.now()}-${process.hrtime()[1]}'`;
  const connections = await Promise.all(pools.map((pool) => pool.getConnection()));
  try {
    await Promise.all(
      connections.map(async (connection) => {
        await connection.query(`XA START ${xid}`);
        await connection.execute(UPDATE, [id]);
        await connection.query(`XA END ${xid}`);
        await connection.query(`XA PREPARE ${xid}`);
      }),
    );
    await Promise.all(connections.map((connection) => connection.query(`XA COMMIT ${xid}`)));
  } finally {
    for (const connection of connections) connection.release();
  }
}

/** One transaction of the workload in the mode. */
export function transaction(bed: Bed, { databases }: Workload, mode: Mode): () => Promise<unknown> {
  const used = bed.databases.slice(0, databases);
  const plain = used.map((database) => database.plain);
  const ours = used.map((database) => database.globaltx);
  const all = (pools: readonly Pool[]) => {
    const id = key();
    return Promise.all(pools.map((pool) => local(pool, id)));
  };
  switch (mode) {
    case 'plain':
      return () => all(plain);
    case 'passthrough':
      return () => all(ours);
    case 'xa':
      return () => xa(plain, key());
    case 'at':
      return () => bed.gtx.run({ name: 'bench' }, () => all(ours));
  }
}
