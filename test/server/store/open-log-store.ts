import { LogStore } from '../../../src/server/store/log-store.js';

export function openStore(directory: string): Promise<LogStore> {
  return LogStore.open({ directory });
}
