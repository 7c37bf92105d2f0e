import { runLoad } from './load.js';

const [address = '', clients = '8', pace = '512', ms = '5000'] = process.argv.slice(2);
const { readFileSync } = await import('node:fs');
const pid = process.env.PID;
const cpu = () => {
  if (!pid) return 0;
  const s = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const f = s.slice(s.lastIndexOf(')') + 2).split(' ');
  return (Number(f[11]) + Number(f[12])) * 10_000;
};
let c0 = 0,
  c1 = 0;
const result = await runLoad(
  {
    address,
    clients: Number(clients),
    pace: pace.startsWith('r') ? { perSecond: Number(pace.slice(1)) } : { inFlight: Number(pace) },
    warmUpMs: 8000,
    ms: Number(ms),
  },
  async (what) => {
    if (what === 'begin') c0 = cpu();
    else c1 = cpu();
  },
);
console.log({
  ...result,
  txPerSecond: result.transactions / result.seconds,
  coordinatorCpuUs: (c1 - c0) / result.transactions,
});
process.exit(0);
