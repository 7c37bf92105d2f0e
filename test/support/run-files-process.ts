import { removeFolders } from './keeper.js';
import { type RunFilesOptions, runFiles } from './run-files.js';

/* Runs test files in a process of its own, under the Node that it was started with. */

const { paths, options } = JSON.parse(process.argv[2] ?? '') as {
  readonly paths: readonly string[];
  readonly options: RunFilesOptions;
};
const { passes, failures } = await runFiles(paths, options);
await removeFolders();
process.send?.({ passes, failures }, () => process.exit());
