/** What the transaction does to its row, and what someone outside does to it before the rollback. */
export interface DirtyKind {
  readonly name: string;
  /** Whether the row is there before. */
  readonly exists: boolean;
  readonly write: string;
  readonly outside: string;
}

export const DIRTY_KINDS: readonly DirtyKind[] = [
  {
    name: 'the same column is changed',
    exists: true,
    write: 'UPDATE page SET hits = hits + 1 WHERE id = ?',
    outside: 'UPDATE page SET hits = 777 WHERE id = ?',
  },
  {
    name: 'another column is changed',
    exists: true,
    write: 'UPDATE page SET hits = hits + 1 WHERE id = ?',
    outside: "UPDATE page SET title = 'outside' WHERE id = ?",
  },
  {
    name: 'the row is deleted',
    exists: true,
    write: 'UPDATE page SET hits = hits + 1 WHERE id = ?',
    outside: 'DELETE FROM page WHERE id = ?',
  },
  {
    name: 'an inserted row is changed',
    exists: false,
    write: "INSERT INTO page VALUES (?, 'inside', 1)",
    outside: 'UPDATE page SET hits = 777 WHERE id = ?',
  },
  {
    name: 'a deleted row is there again',
    exists: true,
    write: 'DELETE FROM page WHERE id = ?',
    outside: "INSERT INTO page VALUES (?, 'outside', 5)",
  },
];
