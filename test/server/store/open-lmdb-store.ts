import { LmdbStore } from '../../../src/server/store/lmdb-store.js';

export function openStore(directory: string): Promise<LmdbStore> {
  return LmdbStore.open({ directory });
}
