import type { Bed, Load } from './bed/bed.js';
import type { LoadRound, Request } from './load/protocol.js';
import type { Case, Plan } from './plan.js';
import { compiledBy, type Mode, type Workload } from './workloads/index.js';

/** What one round of one mode showed; the counts are for one transaction. */
export interface Round extends LoadRound {
  readonly statementsPerTx: number;
  readonly bytesPerTx: number;
  readonly coordinatorCpuUs: number;
  readonly databaseCpuUs: number;
}

export interface Measured {
  readonly case: Case;
  readonly rounds: ReadonlyMap<Mode, readonly Round[]>;
  /** How often the application's connections spoke to the databases for one transaction, with one in flight. */
  readonly packetsPerTx: ReadonlyMap<Mode, number>;
}

const COUNTED = 40;

async function play(
  { process: load }: Load,
  request: Extract<Request, { ask: 'round' }>,
): Promise<LoadRound> {
  const answer = await load.ask(request);
  if (answer.answer === 'failed') throw new Error(answer.message);
  if (answer.answer !== 'round') throw new Error('the load answered out of turn');
  return answer.round;
}

async function prepare(
  bed: Bed,
  load: Load,
  { workload, inFlight }: Pick<Case, 'workload' | 'inFlight'>,
): Promise<void> {
  const schemas = await bed.schemas(workload);
  // Two for each transaction in flight: one part may begin while another's connection is on its way back.
  const connections = inFlight * 2;
  const answer = await load.process.ask({
    ask: 'prepare',
    workload: workload.name,
    schemas,
    connections,
  });
  if (answer.answer === 'failed') throw new Error(answer.message);
}

async function round(bed: Bed, load: Load, mode: Mode, inFlight: number, ms: number): Promise<Round> {
  const before = await bed.counters();
  const played = await play(load, { ask: 'round', mode, inFlight, ms, most: Number.MAX_SAFE_INTEGER });
  const after = await bed.counters();
  const each = (name: keyof typeof after) => (after[name] - before[name]) / played.transactions;
  return {
    ...played,
    statementsPerTx: each('statements'),
    bytesPerTx: each('bytes'),
    coordinatorCpuUs: each('coordinatorCpuUs'),
    databaseCpuUs: each('databaseCpuUs'),
  };
}

/** The load is compiled by so many transactions in flight at once: one row that all of them want would take too long. */
const COMPILING = 32;

/**
 * Plays a mode of the load for so long that V8 has compiled it, as that of a service that has run for a minute is. It
 * takes thousands of transactions; the code costs several times as much before that.
 */
async function compile(bed: Bed, load: Load, workload: Workload, ms: number): Promise<void> {
  const { kind, modes } = workload;
  const cold = modes.filter((mode) => !load.warm.has(`${kind} ${mode}`));
  if (cold.length === 0) return;
  await prepare(bed, load, { workload: compiledBy(workload), inFlight: COMPILING });
  for (const mode of cold) {
    // What is measured against is compiled soon.
    await round(bed, load, mode, COMPILING, mode === 'at' ? ms : ms / 5);
    load.warm.add(`${kind} ${mode}`);
  }
}

/** One transaction at a time over counting links; once for each workload. */
async function countPackets(bed: Bed, measured: Case): Promise<ReadonlyMap<Mode, number>> {
  const load = await bed.load(0, true);
  const known = load.packets.get(measured.workload.name);
  if (known !== undefined) return known;
  await prepare(bed, load, { ...measured, inFlight: 1 });
  const packets = new Map<Mode, number>();
  for (const mode of measured.workload.modes) {
    const request = { ask: 'round', mode, inFlight: 1, ms: 60_000 } as const;
    // What is done once a connection or a process is not a transaction's.
    await play(load, { ...request, most: 5 });
    await load.links!.ask('count');
    const { transactions } = await play(load, { ...request, most: COUNTED });
    packets.set(mode, (await load.links!.ask('count')).packets / transactions);
  }
  load.packets.set(measured.workload.name, packets);
  return packets;
}

/** All rounds of a case: its modes take turns, so that what the machine does meets all of them. */
export async function measure(
  bed: Bed,
  measured: Case,
  { rounds, roundMs, warmUpMs, compileMs }: Plan,
  progress: (round: number) => void,
): Promise<Measured> {
  const { workload, inFlight, networkMs, flush } = measured;
  await bed.flush(flush);
  const packetsPerTx = networkMs === 0 ? await countPackets(bed, measured) : new Map<Mode, number>();
  const load = await bed.load(networkMs);
  await compile(bed, load, workload, compileMs);
  await prepare(bed, load, measured);
  const all = new Map<Mode, Round[]>(workload.modes.map((mode) => [mode, []]));
  for (const mode of workload.modes) await round(bed, load, mode, inFlight, warmUpMs);
  for (let number = 1; number <= rounds; number++) {
    progress(number);
    for (const [mode, done] of all) done.push(await round(bed, load, mode, inFlight, roundMs));
  }
  return { case: measured, rounds: all, packetsPerTx };
}
