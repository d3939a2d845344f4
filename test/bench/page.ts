/**
 * The page beside a hundred machines and a hundred thousand past alerts: how fast it is there, how fast an event at a machine is on the screen,
 * and whether it keeps a tablet's one thread free. The machines are simulated; the browser is real, and not slowed down.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page as Tab } from 'playwright-core';
import { z } from 'zod';
import type { Bench, BenchContext, Measured } from './bench.ts';
import { percentile, type Bar, type Row, type Run } from './judge.ts';
import { startPageAgent, type PageAgent } from './page-agent.ts';
import { pageMachineId } from './page-names.ts';
import { panStepMs } from './page-pan.ts';
import { axeViolations, cardShownMs, launchBrowser, listOpenMs, longTasks, openTab, tabNowMs } from './page-tab.ts';

export const pageSetup = { machines: 100, alerts: 100_000, points: 1_000_000 };
/** Threads that break in one run, each at another machine. */
const breaks = 12;
/** Between two of them: not a multiple of the poll's period, so that they fall on all of its phases. */
const betweenBreaksMs = 337;
/** How long the live page is watched for long tasks, in each run. */
const liveMs = 15_000;
/** The drivers have connected, and the page's first minute is over. */
const settleMs = 5_000;

const bar = (name: string, unit: string, limit: number): Bar => ({
  name: `page:${name}`,
  unit,
  direction: 'lower',
  judged: 'ours',
  limit,
  referenceBaseline: null,
});
const bars = [
  bar('initialJsGzipKb', 'kB', 80),
  bar('firstViewMs', 'ms', 1000),
  bar('listOpenMs', 'ms', 300),
  bar('eventToPixelP50Ms', 'ms', 1000),
  bar('eventToPixelP95Ms', 'ms', 1000),
  bar('oursP95Ms', 'ms', 300),
  bar('panStepMs', 'ms', 16),
  bar('longTasksOver100Ms', 'tasks', 0),
  bar('axeViolations', 'violations', 0),
] as const;
/** null: could not be measured. */
type Figures = Readonly<Record<(typeof figureNames)[number], number | null>>;
const figureNames = [
  'initialJsGzipKb',
  'firstViewMs',
  'listOpenMs',
  'eventToPixelP50Ms',
  'eventToPixelP95Ms',
  'oursP95Ms',
  'panStepMs',
  'longTasksOver100Ms',
  'axeViolations',
] as const;

export const page: readonly Bench[] = [
  {
    bars,
    async measure({ runs, dir, say, signal }) {
      const agent = await startPageAgent(join(dir, 'page'), pageSetup, say);
      const browser = await launchBrowser();
      try {
        await delay(settleMs, undefined, { signal });
        const measured: Figures[] = [];
        for (let run = 0; run < runs; run += 1) {
          measured.push(await oneRun(agent, browser, run, { say, signal }));
          say(`  ${JSON.stringify(measured.at(-1))}`);
        }
        return rows(measured);
      } finally {
        await browser.close();
        await agent.stop();
      }
    },
  },
];

async function oneRun(
  agent: PageAgent,
  browser: Browser,
  run: number,
  { say, signal }: Pick<BenchContext, 'say' | 'signal'>,
): Promise<Figures> {
  const { tab, firstViewMs, initialJsGzipKb } = await openTab(browser, agent, pageSetup.machines);
  try {
    await delay(settleMs, undefined, { signal });
    const liveFromMs = await tabNowMs(tab);
    const shown = await breakThreads(agent, tab, run, signal);
    const leftMs = liveMs - ((await tabNowMs(tab)) - liveFromMs);
    if (leftMs > 0) await delay(leftMs, undefined, { signal });
    const longTasksOver100Ms = await longTasks(tab, liveFromMs);
    const opened = await listOpenMs(tab);
    const violations = await axeViolations(tab);
    const p95 = (values: readonly number[]) => percentile(values, 0.95) ?? Number.NaN;
    return {
      initialJsGzipKb,
      firstViewMs,
      listOpenMs: opened,
      eventToPixelP50Ms:
        percentile(
          shown.map((one) => one.wholeMs),
          0.5,
        ) ?? Number.NaN,
      eventToPixelP95Ms: p95(shown.map((one) => one.wholeMs)),
      oursP95Ms: p95(shown.map((one) => one.oursMs)),
      panStepMs: await panStepMs(tab, agent.url).catch((error: unknown) => {
        say(`  no pan: ${error instanceof Error ? error.message : String(error)}`);
        return null;
      }),
      longTasksOver100Ms,
      axeViolations: violations,
    };
  } finally {
    await tab.context().close();
  }
}

/** Breaks threads one by one: ms from the register's change, and from the answer that told of it, to the frame with the alert's card. */
async function breakThreads(agent: PageAgent, tab: Tab, run: number, signal: AbortSignal) {
  const shown: { readonly wholeMs: number; readonly oursMs: number }[] = [];
  for (let index = 0; index < breaks; index += 1) {
    // Each machine once in the whole bench, so that its card is a new one.
    const machine = (run * breaks + index) % pageSetup.machines;
    const { changedMs, readMs } = await agent.breakThread(machine);
    const atMs = await cardShownMs(tab, pageMachineId(machine), changedMs);
    shown.push({ wholeMs: atMs - changedMs, oursMs: atMs - readMs });
    agent.mendThread(machine);
    // As a person does; what nobody acknowledges would become a flood, which is one line.
    await acknowledgeAll(agent);
    await delay(betweenBreaksMs, undefined, { signal });
  }
  return shown;
}

/** Acknowledges every alert that is open, so that it closes when its machine is mended. */
async function acknowledgeAll({ url, cookie }: PageAgent): Promise<void> {
  const get = async (path: string): Promise<unknown> => (await fetch(url + path, { headers: { cookie } })).json();
  const { csrf } = z.looseObject({ csrf: z.string() }).parse(await get('/api/session'));
  const open = z.looseObject({ items: z.array(z.looseObject({ occurrence: z.string() })) });
  for (const { occurrence } of open.parse(await get('/api/alerts')).items) {
    const headers = { cookie, 'x-csrf-token': csrf, 'content-type': 'application/json' };
    await fetch(`${url}/api/alerts/${encodeURIComponent(occurrence)}/ack`, { method: 'POST', headers, body: '{}' });
  }
}

function rows(measured: readonly Figures[]): ReadonlyMap<string, Measured> {
  const runsOf = (name: (typeof figureNames)[number]): Run[] =>
    measured.map((figures) => ({ ours: figures[name], baseline: null }));
  return new Map(figureNames.map((name) => [`page:${name}`, { runs: runsOf(name), unmeasured: null }]));
}

/** The report of the suite beside its rows, by the names it is known by. Pure. */
export function pageFigures(results: readonly Row[]) {
  const of = (name: string) => results.find((row) => row.name === `page:${name}`)?.ours ?? null;
  return {
    initialJsGzipKb: of('initialJsGzipKb'),
    firstViewMs: of('firstViewMs'),
    listOpenMs: of('listOpenMs'),
    eventToPixelMs: { p50: of('eventToPixelP50Ms'), p95: of('eventToPixelP95Ms') },
    oursMs: { p95: of('oursP95Ms') },
    panStepMs: of('panStepMs'),
    longTasksOver100Ms: of('longTasksOver100Ms'),
    axeViolations: of('axeViolations'),
    machines: pageSetup.machines,
    alerts: pageSetup.alerts,
  };
}
