import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Figure, ResultRow } from './rows.js';

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

/** What is measured in one unit stands over one axis, in the order of the measuring. */
function figureSpecification(title: string, figures: readonly Figure[]): TopLevelSpec {
  const units = [...new Set(figures.map(({ unit }) => unit))];
  return {
    title,
    background: 'white',
    vconcat: units.map((unit) => ({
      width: 420,
      height: { step: 18 },
      data: {
        values: figures.filter((figure) => figure.unit === unit).map(({ what, value }) => ({ what, value })),
      },
      encoding: {
        y: { field: 'what', type: 'nominal', sort: null, title: null, axis: { labelLimit: 400 } },
        x: { field: 'value', type: 'quantitative', title: unit },
      },
      layer: [
        { mark: { type: 'bar', color: '#2b6cb0' } },
        {
          mark: { type: 'text', align: 'left', dx: 3 },
          encoding: { text: { field: 'value', type: 'quantitative', format: ',.3~r' } },
        },
      ],
    })),
  };
}

function byWorkload<Each extends { readonly workload: string }>(all: readonly Each[]): Map<string, Each[]> {
  const groups = new Map<string, Each[]>();
  for (const each of all) groups.set(each.workload, [...(groups.get(each.workload) ?? []), each]);
  return groups;
}

async function draw(file: string, specification: TopLevelSpec): Promise<void> {
  const view = new View(parse(compile(specification).spec), { renderer: 'none' });
  await writeFile(file, await view.toSVG());
}

/** Draws one chart for each workload, and one each for the figures of the coordinator and of the analysis. */
export async function writeCharts(
  folder: string,
  rows: readonly ResultRow[],
  figures: readonly Figure[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  // Bars are heights over plain: a row that was not compared with it has none.
  for (const [workload, own] of byWorkload(rows.filter((row) => row.vsPlain !== null)))
    await draw(join(folder, fileName(workload, own[0]!.server)), specification(workload, own));
  for (const [about, own] of byWorkload(figures))
    await draw(join(folder, `${about}.svg`), figureSpecification(about, own));
}
