/**
 * What the polls of the machines notice of an eye that crashes: an agent that reads 50 devices every 100 ms and judges the pictures of a
 * simulated camera. First nobody disturbs it; then its eye is ended by SIGSEGV again and again, each time when it is at its pictures; at last, as
 * the control, the agent itself is held for a moment each time, which the same measurement must see.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { configOf, judgePolls, launcher, machineId } from './agent-load.ts';
import type { Bench, Measured } from './bench.ts';
import type { Run } from './judge.ts';
import type { Served } from './modbus-floor.ts';
import { BenchFailure, start, startScript, type Started } from './processes.ts';
import { childOf } from '../support/children.ts';
import { crashAgain, hold, windowOf, within, type Window } from './windows.ts';

const machines = 50;
const intervalMs = 100;
const warmMs = 8_000;
const quietForMs = 20_000;
const crashForMs = 25_000;
const controlForMs = 10_000;
/** An eye that has been at its pictures for so long is ended. */
const livesMs = 1_500;
const fps = 12;
const fabric = 'jersey';
const script = 'senses/eye/child';
const picturesMs = 60_000;

const polls = { name: 'vision:crash:pollsPct', limit: 99.9 };
const lateness = { name: 'vision:crash:latenessP99Ms', limit: 1.2 };
const control = { name: 'vision:crash:controlIsSeen', limit: 1.2 };

interface Outcome {
  readonly quiet: ReturnType<typeof judgePolls>;
  readonly crashing: ReturnType<typeof judgePolls>;
  readonly held: ReturnType<typeof judgePolls>;
  readonly crashes: number;
}

export const visionCrash: Bench = {
  bars: [
    { ...polls, unit: '%', direction: 'higher', judged: 'ours', referenceBaseline: null },
    { ...lateness, unit: 'ms', direction: 'lower', judged: 'ratio', referenceBaseline: null },
    { ...control, unit: 'ms', direction: 'higher', judged: 'ratio', referenceBaseline: null },
  ],
  measure: async ({ runs, dir, say, signal }) => {
    const rows: Record<'polls' | 'lateness' | 'control', Run[]> = { polls: [], lateness: [], control: [] };
    for (let run = 1; run <= runs && !signal.aborted; run += 1) {
      const { quiet, crashing, held, crashes } = await oneRun(join(dir, 'crash'), signal);
      rows.polls.push({ ours: crashing.pollsPct, baseline: quiet.pollsPct });
      rows.lateness.push({ ours: crashing.latenessP99Ms, baseline: quiet.latenessP99Ms });
      rows.control.push({ ours: held.latenessP99Ms, baseline: quiet.latenessP99Ms });
      const told = ({ pollsPct, latenessP99Ms }: Outcome['quiet']) =>
        `${pollsPct.toFixed(3)} % kept, p99 ${latenessP99Ms.toFixed(2)} ms late`;
      say(`run ${run}: undisturbed ${told(quiet)}; ${crashes} crashes ${told(crashing)}; control ${told(held)}`);
    }
    const row = (name: string, list: readonly Run[]): [string, Measured] => [name, { runs: list, unmeasured: null }];
    return new Map([row(polls.name, rows.polls), row(lateness.name, rows.lateness), row(control.name, rows.control)]);
  },
};

async function oneRun(dir: string, signal: AbortSignal): Promise<Outcome> {
  rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  mkdirSync(join(dir, 'profiles'), { recursive: true });
  mkdirSync(join(dir, 'good'));
  const report = join(dir, 'served.json');
  const floor = startScript('modbus-floor.ts', [machines, report]);
  const camera = startScript('vision-camera.ts', [fps, join(dir, 'good')]);
  let agent: Started | null = null;
  try {
    const ports = JSON.parse(await floor.line()) as number[];
    const config = writeConfig(dir, ports, Number(await camera.line()));
    await teach(config, join(dir, 'good'));
    agent = start('sh', [launcher, 'run', '--config', config]);
    while (!(await agent.line()).includes('"listening"'));
    agent.child.stdout?.resume();
    const pid = agent.child.pid ?? 0;
    await childOf(script, pid, { signal });
    await within(camera.line(), picturesMs, 'the eye is at its pictures');
    await delay(warmMs, undefined, { signal });
    const quiet = await windowOf(() => delay(quietForMs, undefined, { signal }), quietForMs);
    let crashes = 0;
    const crashing = await windowOf(async (untilMs) => {
      crashes = await crashAgain(pid, script, () => camera.line(), { untilMs, livesMs, signal });
    }, crashForMs);
    const held = await windowOf((untilMs) => hold(pid, untilMs, signal), controlForMs);
    await delay(1_000, undefined, { signal });
    if (agent.child.exitCode !== null) throw new BenchFailure('the agent ended by itself');
    await agent.end();
    floor.child.stdin?.write('report\n');
    await floor.line();
    const served = JSON.parse(readFileSync(report, 'utf8')) as Served[];
    const judged = (window: Window) => judgePolls(join(dir, 'data/ring.db'), served, intervalMs, window);
    return { quiet: judged(quiet), crashing: judged(crashing), held: judged(held), crashes };
  } finally {
    await agent?.end('SIGKILL');
    await Promise.all([floor.end('SIGKILL'), camera.end('SIGKILL')]);
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

function writeConfig(dir: string, ports: readonly number[], cameraPort: number): string {
  const config = configOf(dir, ports, intervalMs);
  // By hand: 30 inches, gauge 28, a tube narrowed to 0.85 (docs/SIMULATED-CLOTH.md).
  const eye = {
    camera: `mjpeg+http://127.0.0.1:${cameraPort}/`,
    fabric,
    mmPerPx: 1 / 9,
    needles: 2639,
    firstNeedle: 0,
    feeders: 96,
    coursesPerCm: 18,
    circumferenceMm: (2639 * 0.85 * 25.4) / 28,
    position: 'encoder',
    needleZero: 0,
    simulated: true,
  };
  const [first, ...others] = config.machines;
  const path = join(dir, 'agent.yaml');
  // Trying accelerators is no part of what is measured.
  const models = { accelerator: 'cpu' };
  writeFileSync(path, JSON.stringify({ ...config, models, machines: [{ ...first, eye }, ...others] }));
  return path;
}

async function teach(config: string, from: string): Promise<void> {
  const words = ['--config', config, '--machine', machineId(0), '--fabric', fabric, '--from', from];
  const { child } = start('sh', [launcher, 'teach', 'vision', ...words]);
  child.stdout?.resume();
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new BenchFailure(`teach ended with ${code}`);
}
