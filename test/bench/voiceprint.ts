/**
 * `npm run bench -- voiceprint`: what fifty microphones at 48 kHz cost, and what the polls notice of them. An agent reads 50 devices every
 * 100 ms, first without ears and then with one at each machine, which hears a simulated machine run and judges every second of it; then
 * the ear is ended by SIGSEGV again and again; at last, as the control, the agent itself is held for a moment each time. The baseline of
 * the cost is the bare `session.run` on the same pieces, as many at a time as the ear takes at once.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { configOf, judgePolls, launcher } from './agent-load.ts';
import type { Bench, Measured } from './bench.ts';
import type { Run } from './judge.ts';
import { benchProfile } from './load-profile.ts';
import type { Served } from './modbus-floor.ts';
import { BenchFailure, start, startScript, type Started } from './processes.ts';
import { cpuSOf } from './resources.ts';
import { bareMsPerS, speed, teachAll, writeSound } from './voiceprint-sound.ts';
import { childOf } from '../support/children.ts';
import { crashAgain, hold, windowOf, within, type Window } from './windows.ts';

const machines = 50;
const intervalMs = 100;
const warmMs = 10_000;
const connectMs = 60_000;
const windowMs = 25_000;
const controlForMs = 10_000;
/** An ear that has listened for so long is ended. */
const livesMs = 1_500;
const sampleS = 8 * 0.512;
/** A sample in ten may end just outside of the window. */
const leastJudgedShare = 0.9;
const speedSignal = 'spindle.speed';
const script = 'senses/ear/child';

const cost = { name: 'voiceprint:corePctAMicrophone', limit: 1 };
const polls = { name: 'voiceprint:with50:pollsPct', limit: 100 };
const lateness = { name: 'voiceprint:with50:latenessP99Ms', limit: 1.2 };
const crashPolls = { name: 'voiceprint:crash:pollsPct', limit: 99.9 };
const control = { name: 'voiceprint:crash:controlIsSeen', limit: 1.2 };

type Judged = ReturnType<typeof judgePolls>;

export const voiceprint: readonly Bench[] = [
  {
    bars: [
      { ...cost, unit: '% of a core', direction: 'lower', judged: 'ours', referenceBaseline: null },
      { ...polls, unit: '%', direction: 'higher', judged: 'ours', referenceBaseline: null },
      { ...lateness, unit: 'ms', direction: 'lower', judged: 'ratio', referenceBaseline: null },
      { ...crashPolls, unit: '%', direction: 'higher', judged: 'ours', referenceBaseline: null },
      { ...control, unit: 'ms', direction: 'higher', judged: 'ratio', referenceBaseline: null },
    ],
    measure: async ({ runs, dir, say, signal }) => {
      const rows = new Map([cost, polls, lateness, crashPolls, control].map(({ name }): [string, Run[]] => [name, []]));
      const add = (name: string, run: Run) => rows.get(name)?.push(run);
      const sound = join(dir, 'sound.pcm');
      writeSound(sound);
      for (let run = 1; run <= runs && !signal.aborted; run += 1) {
        const bare = await bareMsPerS(machines);
        const without = await withoutEars(join(dir, 'voiceprint'), signal);
        const heard = await withEars(join(dir, 'voiceprint'), sound, signal);
        add(cost.name, { ours: heard.corePct, baseline: bare / 10 });
        add(polls.name, { ours: heard.quiet.pollsPct, baseline: without.pollsPct });
        add(lateness.name, { ours: heard.quiet.latenessP99Ms, baseline: without.latenessP99Ms });
        add(crashPolls.name, { ours: heard.crashing.pollsPct, baseline: without.pollsPct });
        add(control.name, { ours: heard.held.latenessP99Ms, baseline: without.latenessP99Ms });
        const told = ({ pollsPct, latenessP99Ms }: Judged) =>
          `${pollsPct.toFixed(3)} % kept, p99 ${latenessP99Ms.toFixed(2)} ms late`;
        say(
          `run ${run}: ${heard.corePct.toFixed(3)} % of a core a microphone, bare ${(bare / 10).toFixed(3)}; without ears ` +
            `${told(without)}; with ${machines} ${told(heard.quiet)}; ${heard.crashes} crashes ${told(heard.crashing)}; control ${told(heard.held)}`,
        );
      }
      return new Map([...rows].map(([name, list]): [string, Measured] => [name, { runs: list, unmeasured: null }]));
    },
  },
];

async function withoutEars(dir: string, signal: AbortSignal): Promise<Judged> {
  const [window] = await running(dir, null, signal, async () => {
    await delay(warmMs, undefined, { signal });
    return [await windowOf(() => delay(windowMs, undefined, { signal }), windowMs)];
  });
  return mustBe(window);
}

interface Heard {
  readonly corePct: number;
  readonly quiet: Judged;
  readonly crashing: Judged;
  readonly held: Judged;
  readonly crashes: number;
}

async function withEars(dir: string, sound: string, signal: AbortSignal): Promise<Heard> {
  const microphones = startScript('voiceprint-microphones.ts', [sound]);
  try {
    const port = Number(await microphones.line());
    let [corePct, crashes] = [Number.NaN, 0];
    const [quiet, crashing, held] = await running(dir, port, signal, async (agent) => {
      await childOf(script, agent.pid, { signal });
      await within(allBack(microphones), connectMs, 'every microphone is heard');
      await delay(warmMs, undefined, { signal });
      const first = await windowOf(async () => {
        corePct = await costOf(agent, signal);
      }, windowMs);
      const second = await windowOf(async (untilMs) => {
        crashes = await crashAgain(agent.pid, script, () => allBack(microphones), { untilMs, livesMs, signal });
      }, windowMs);
      return [first, second, await windowOf((untilMs) => hold(agent.pid, untilMs, signal), controlForMs)];
    });
    return { corePct, crashes, quiet: mustBe(quiet), crashing: mustBe(crashing), held: mustBe(held) };
  } finally {
    await microphones.end('SIGKILL');
  }
}

function mustBe(judged: Judged | undefined): Judged {
  if (judged === undefined) throw new BenchFailure('nothing was judged');
  return judged;
}

interface Agent {
  readonly pid: number;
  /** Samples that all microphones have judged, by its newest status line. */
  readonly judged: () => number;
}

/** An agent from its start to its end; gives what its polls were like in the windows of `work`. */
async function running(
  dir: string,
  microphonePort: number | null,
  signal: AbortSignal,
  work: (agent: Agent) => Promise<readonly Window[]>,
): Promise<Judged[]> {
  rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  mkdirSync(join(dir, 'profiles'), { recursive: true });
  const report = join(dir, 'served.json');
  const floor = startScript('modbus-floor.ts', [machines, report]);
  let agent: Started | null = null;
  try {
    const ports = JSON.parse(await floor.line()) as number[];
    const config = await writeConfig(dir, ports, microphonePort);
    agent = start('sh', [launcher, 'run', '--config', config]);
    while (!(await agent.line()).includes('"listening"'));
    const windows = await work({ pid: agent.child.pid ?? 0, judged: judgedBy(agent) });
    await delay(1_000, undefined, { signal });
    if (agent.child.exitCode !== null) throw new BenchFailure('the agent ended by itself');
    await agent.end();
    floor.child.stdin?.write('report\n');
    await floor.line();
    const served = JSON.parse(readFileSync(report, 'utf8')) as Served[];
    const ring = join(dir, 'data/ring.db');
    return windows.map((window) => judgePolls(ring, served, intervalMs, window, [speedSignal]));
  } finally {
    await agent?.end('SIGKILL');
    await floor.end('SIGKILL');
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Reads its lines from now on. */
function judgedBy(agent: Started): () => number {
  let judged = 0;
  const read = async () => {
    for (;;) {
      const line = await agent.line();
      if (!line.includes('"msg":"status"')) continue;
      const { ear } = JSON.parse(line) as { ear: { microphones: { judged: number }[] } | null };
      judged = (ear?.microphones ?? []).reduce((sum, one) => sum + one.judged, 0);
    }
  };
  // It ends when the agent does.
  read().catch(() => undefined);
  return () => judged;
}

/** A speed beside the registers: nearly the same whatever is served. */
const profile = {
  ...benchProfile,
  signals: {
    ...benchProfile.signals,
    [speedSignal]: {
      kind: 'gauge',
      unit: 'RPM',
      deadband: 1,
      scale: 1e-6,
      offset: speed,
      from: { table: 'holding', address: 0 },
    },
  },
};

async function writeConfig(dir: string, ports: readonly number[], microphonePort: number | null): Promise<string> {
  const config = configOf(dir, ports, intervalMs);
  writeFileSync(join(dir, 'profiles/bench-100.yaml'), JSON.stringify(profile));
  const microphone = `tcp://127.0.0.1:${microphonePort}?format=s16le&rate=48000&channels=1`;
  const all = config.machines.map((machine) => ({
    ...machine,
    ...(microphonePort === null ? {} : { ear: { microphone, simulated: true } }),
  }));
  const path = join(dir, 'agent.yaml');
  if (microphonePort !== null)
    await teachAll(
      join(dir, 'data'),
      all.map(({ id }) => id),
      microphone,
    );
  writeFileSync(path, JSON.stringify({ ...config, machines: all, log: { level: 'info', statusEveryS: 1 } }));
  return path;
}

/** Percent of a core a microphone, of the ear's process alone; what it judged meanwhile is checked. */
async function costOf(agent: Agent, signal: AbortSignal): Promise<number> {
  const ear = await childOf(script, agent.pid, { signal });
  const before = { atMs: performance.now(), cpuS: cpuSOf(ear), judged: agent.judged() };
  await delay(windowMs, undefined, { signal });
  const forS = (performance.now() - before.atMs) / 1000;
  const judged = agent.judged() - before.judged;
  const wanted = (machines * forS) / sampleS;
  if (judged < leastJudgedShare * wanted) {
    throw new BenchFailure(`${judged} samples were judged where ${wanted.toFixed(0)} were heard`);
  }
  return (100 * (cpuSOf(ear) - before.cpuS)) / forS / machines;
}

async function allBack(microphones: Started): Promise<void> {
  for (let connected = 0; connected < machines; connected += 1) await microphones.line();
}
