import { RawClient } from './raw-client.js';

/** A process with one stream to `idle-client.js ADDRESS` that does nothing; it writes a line when it is connected. */
const client = await RawClient.connect(process.argv[2]!);
process.stdout.write('connected\n');
await client.ended;
