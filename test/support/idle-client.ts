import { RawClient } from './raw-client.js';

/**
 * A process with one stream to `idle-client.js ADDRESS [RESOURCE]` that does nothing, whatever is pushed to it; it writes a
 * line when it is connected and has the resource.
 */
const [address = '', resource] = process.argv.slice(2);
const client = await RawClient.connect(address, { phaseTwo: undefined });
if (resource !== undefined) await client.enlist(resource);
process.stdout.write('connected\n');
await client.ended;
