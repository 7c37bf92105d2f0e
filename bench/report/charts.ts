import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { ResultRow } from './rows.js';

const MODES = {
  domain: ['plain', 'passthrough', 'xa', 'at'],
  range: ['#9aa5b1', '#c7d0d9', '#d9822b', '#2b6cb0'],
};

function title(workload: string, rows: readonly ResultRow[]): { text: string; subtitle: string } {
  return { text: workload, subtitle: `${rows[0]!.server}: transactions a second over those of plain` };
}

/** Groups of bars: what was varied, from left to right, and in each group the modes. */
function specification(workload: string, rows: readonly ResultRow[]): TopLevelSpec {
  const values = rows.map((row) => ({
    mode: row.mode,
    ratio: row.vsPlain,
    least: row.vsPlainSpread?.[0],
    most: row.vsPlainSpread?.[1],
    condition: `${row.inFlight} in flight${row.networkMs > 0 ? `, ${row.networkMs} ms` : ''}${row.flush === 'second' ? ', flush each second' : ''}`,
  }));
  const x = {
    field: 'condition',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelAngle: -20 },
  } as const;
  const xOffset = { field: 'mode', sort: MODES.domain } as const;
  return {
    title: title(workload, rows),
    background: 'white',
    width: { step: 24 },
    height: 240,
    data: { values },
    layer: [
      {
        mark: { type: 'bar' },
        encoding: {
          x,
          xOffset,
          y: { field: 'ratio', type: 'quantitative', title: 'transactions/s, plain = 1' },
          color: { field: 'mode', type: 'nominal', scale: MODES, title: 'mode' },
        },
      },
      {
        mark: { type: 'rule', color: '#333333' },
        encoding: {
          x,
          xOffset,
          y: { field: 'least', type: 'quantitative' },
          y2: { field: 'most' },
        },
      },
    ],
  };
}

function fileName(workload: string, server: string): string {
  const words = `${workload} ${server.split(' ')[0]}`.toLowerCase();
  return `${words.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}.svg`;
}

/** Draws one chart for each workload. @returns the names of the files */
export async function writeCharts(folder: string, rows: readonly ResultRow[]): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const names: string[] = [];
  for (const workload of new Set(rows.map((row) => row.workload))) {
    const own = rows.filter((row) => row.workload === workload);
    const view = new View(parse(compile(specification(workload, own)).spec), { renderer: 'none' });
    const name = fileName(workload, own[0]!.server);
    await writeFile(join(folder, name), await view.toSVG());
    names.push(name);
  }
  return names;
}
