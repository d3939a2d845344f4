/** The table of docs/SCALING.md: what so many gateways need, reckoned from a run of `npm run bench -- sync`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { repository } from './files.ts';
import type { Generated } from './generate.ts';

const path = 'docs/SCALING.md';
/** As `--json` wrote it, on the machine it names. */
const figuresPath = 'test/bench/sync-figures.json';
const begin = '<!-- needs:begin (npm run generate) -->';
const end = '<!-- needs:end -->';

const figuresSchema = z.object({
  results: z.array(
    z.object({
      name: z.string(),
      unit: z.string(),
      ours: z.number().nullable(),
      pass: z.boolean(),
      reason: z.string().optional(),
    }),
  ),
  machine: z.object({
    cpu: z.string(),
    cores: z.number(),
    score: z.number(),
    loadBefore: z.number(),
    loadAfter: z.number(),
  }),
});
export type Figures = z.infer<typeof figuresSchema>;

/** A gateway as it is reckoned with: so many machines of 24 summarised signals, and the state of each. */
export const machinesEach = 10;
const recordsPerMachineMinute = 24 + 1;
/** After an outage of some hours what waited comes beside what is new, at twice its pace. */
export const headroom = 3;

const rows = {
  drain: 'drain:recordsPerS',
  wire: 'wire:bytesPerMachineHour',
  worker: 'worker-cost:cpuSPer1000',
  postgres: 'worker-cost:cpuSPer1000.postgres',
  broker: 'worker-cost:cpuSPer1000.broker',
} as const;

export interface Needs {
  readonly recordsPerS: number;
  /** Both directions, at the broker. */
  readonly mbitPerS: number;
  readonly gbPerGatewayMonth: number;
  /** Of what one bridge with SQLite took in while it did nothing else. */
  readonly singleBridgeShare: number;
  readonly cores: Readonly<Record<'worker' | 'postgres' | 'broker', number>>;
}

export function needsOf(gateways: number, figure: (row: keyof typeof rows) => number): Needs {
  const recordsPerS = (gateways * machinesEach * recordsPerMachineMinute) / 60;
  const cores = (part: 'worker' | 'postgres' | 'broker') => (recordsPerS / 1_000) * figure(part) * headroom;
  return {
    recordsPerS,
    mbitPerS: ((gateways * machinesEach * figure('wire')) / 3_600) * 8e-6,
    gbPerGatewayMonth: machinesEach * figure('wire') * 24 * 30 * 1e-9,
    singleBridgeShare: (recordsPerS * headroom) / figure('drain'),
    cores: { worker: cores('worker'), postgres: cores('postgres'), broker: cores('broker') },
  };
}

const fleets = [10, 1_000, 100_000];
const short = (value: number) => Number(value.toPrecision(2)).toLocaleString('en-US', { maximumFractionDigits: 4 });

export function needsTable({ results, machine }: Figures): string {
  const figure = (row: keyof typeof rows) => results.find(({ name }) => name === rows[row])?.ours ?? Number.NaN;
  const needs = fleets.map((gateways) => needsOf(gateways, figure));
  const row = (what: string, from: string, of: (need: Needs) => number, unit = '') =>
    `| ${what} | ${needs.map((need) => `${short(of(need))}${unit}`).join(' | ')} | ${from} |`;
  const measured = results.map(
    ({ name, ours, unit, pass, reason }) =>
      `| \`${name}\` | ${ours === null ? '–' : short(ours)} ${unit} | ${pass ? 'yes' : `no: ${reason ?? ''}`} |`,
  );
  return [
    `| gateways | ${fleets.map((gateways) => gateways.toLocaleString('en-US')).join(' | ')} | from |`,
    `|---|${fleets.map(() => '---|').join('')}---|`,
    row('machines', 'assumed', (need) => (need.recordsPerS * 60) / recordsPerMachineMinute),
    row('records a second', 'arithmetic', (need) => need.recordsPerS),
    row('traffic at the broker, Mbit/s', `\`${rows.wire}\``, (need) => need.mbitPerS),
    row('traffic of one gateway a month, GB', `\`${rows.wire}\``, (need) => need.gbPerGatewayMonth),
    row(
      'one bridge with SQLite, share of what it can',
      `\`${rows.drain}\``,
      (need) => 100 * need.singleBridgeShare,
      ' %',
    ),
    row('cores for workers', `\`${rows.worker}\``, (need) => need.cores.worker),
    row('cores for PostgreSQL', `\`${rows.postgres}\``, (need) => need.cores.postgres),
    row('cores for the broker', `\`${rows.broker}\``, (need) => need.cores.broker),
    '',
    `Measured on ${machine.cores} cores of ${machine.cpu}, score ${machine.score} MiB/s, load ${machine.loadBefore} before and ${machine.loadAfter} after:`,
    '',
    '| row | measured | bar reached |',
    '|---|---|---|',
    ...measured,
  ].join('\n');
}

/** The document as it should be: what stands around the table is written by hand. */
export function scalingDocument(): Generated {
  const full = join(repository, path);
  const text = existsSync(full) ? readFileSync(full, 'utf8') : `${begin}${end}`;
  const figures = figuresSchema.parse(JSON.parse(readFileSync(join(repository, figuresPath), 'utf8')));
  const [head = ''] = text.split(begin);
  const [, tail = ''] = text.split(end);
  return { path, text: `${head}${begin}\n\n${needsTable(figures)}\n\n${end}${tail}` };
}
