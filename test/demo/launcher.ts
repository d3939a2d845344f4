/**
 * The demo: floor, bridge and agent as three processes of their own on loopback, a bare idle process beside them as the
 * control of the event-loop figure, and a judge at the end. The agent is given its configuration and the machines'
 * endpoints; it knows nothing of the scenario.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DemoFailure, runToEnd, startProcess, type DemoProcess } from './process.ts';
import {
  agentListening,
  agentStatus,
  bridgeListening,
  endpointsFile,
  floorHalted,
  floorListening,
  idleResult,
  type AgentStatus,
} from './messages.ts';
import type { Report } from './score/report.ts';
import { scoreRun } from './score/score.ts';

export interface DemoOptions {
  readonly scenario: string;
  readonly durationS: number;
  readonly seed: number;
  readonly dataDir: string | null;
  readonly port: number;
  readonly without: readonly string[];
  readonly healthy: boolean;
  /** Where profiles are read from before the shipped ones; for controls with a broken profile. */
  readonly profileDir: string | null;
  readonly print: (line: string) => void;
}

/** The floor halts, then this long is allowed for a good reading of each machine and for the last batch to be acked. */
const drainMs = 40_000;
const stopGraceMs = 1500;
/** What the stop itself writes belongs to the run that is judged: a slow disk gets its time. */
const judgedStopGraceMs = 10_000;
/** A small gateway under load takes its time to load the protocol libraries. */
const startMs = 60_000;

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Runs the demo to its end and scores it; null when `signal` ended it early. */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<Report | null> {
  const dir = await prepareFolder(options.dataDir);
  const processes: DemoProcess[] = [];
  const idle = spawn(process.execPath, [here('idle.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let idleText = '';
  idle.stdout.on('data', (chunk: Buffer) => (idleText += chunk.toString()));
  const idleEnded = new Promise<void>((resolve) => idle.once('close', () => resolve()));
  try {
    const run = await startAll(options, dir, processes, signal);
    if (run === null) return null;
    const halted = await watch(options, run, signal);
    if (halted === null) return null;
    const last = await drain(run, halted.haltedMs);
    options.print('The machines stand, everything is acked. Stopping.');
    // The agent first: its last records still reach the bridge.
    await run.agent.stop(signal.aborted ? stopGraceMs : judgedStopGraceMs);
    await stopAll(processes);
    idle.kill('SIGTERM');
    await idleEnded;
    return scoreRun({
      dir,
      scenario: options.scenario,
      facts: {
        seed: options.seed,
        startedMs: run.startedMs,
        haltedMs: halted.haltedMs,
        healthy: options.healthy,
        without: options.without,
        eventLoopP99Ms: last.eventLoopP99Ms,
        eventLoopIdleP99Ms: idleResult.parse(JSON.parse(idleText)).eventLoopP99Ms,
        rssMB: last.rssMB,
        lostRecords: last.lostRecords,
      },
    });
  } catch (error) {
    // Ctrl-C in a terminal reaches every process of the demo: one that ends in the middle of the start is no failure then.
    if (signal.aborted && error instanceof DemoFailure) return null;
    throw error;
  } finally {
    await stopAll(processes);
    idle.kill('SIGKILL');
    await idleEnded;
    if (options.dataDir === null) await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** One folder at a time: Node's recursive mkdir never ends below a folder such as /proc. */
async function makeFolder(path: string): Promise<void> {
  if ((await stat(path).catch(() => null))?.isDirectory() === true) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path);
}

async function prepareFolder(wanted: string | null): Promise<string> {
  if (wanted === null) return await mkdtemp(join(tmpdir(), 'selvedge-demo-'));
  try {
    await makeFolder(resolve(wanted));
    if ((await readdir(wanted)).length > 0)
      throw new DemoFailure(`${wanted} is not empty. Choose an empty folder: the judge needs one run alone.`, 2);
  } catch (error) {
    if (error instanceof DemoFailure) throw error;
    throw new DemoFailure(
      `${wanted} cannot be used: ${(error as Error).message}. Choose a folder you may write to.`,
      2,
    );
  }
  return wanted;
}

interface Run {
  readonly floor: DemoProcess;
  readonly agent: DemoProcess;
  readonly startedMs: number;
  /** The newest status line of the agent. */
  readonly status: () => AgentStatus | null;
}

async function startAll(
  options: DemoOptions,
  dir: string,
  processes: DemoProcess[],
  signal: AbortSignal,
): Promise<Run | null> {
  const at = (name: string) => join(dir, name);
  const start = (name: string, args: readonly string[], stdin = false): DemoProcess => {
    const started = startProcess({
      name,
      args,
      stdin,
      logFile: at(`${name}.log`),
      onText: (line) => options.print(`[${name}] ${line}`),
    });
    processes.push(started);
    return started;
  };
  signal.addEventListener('abort', () => void stopAll(processes), { once: true });

  // What the cameras see of good cloth is drawn meanwhile: nobody waits twelve pictures long for the machine to knit.
  // So is what the microphones hear of a machine that runs well recorded beforehand.
  const drawn = Promise.all([
    runToEnd('floor', beforehand(options, '--pictures', at('cloth'))),
    runToEnd('floor', beforehand(options, '--recordings', at('sound'))),
  ]);
  drawn.catch(() => undefined);
  await runToEnd('bridge', ['bridge', 'init', '--data-dir', at('bridge')]);
  const bridge = start('bridge', ['bridge', 'run', '--data-dir', at('bridge'), '--mqtt-port', '0', '--api-port', '0']);
  const bridgeUp = await bridge.waitFor('its listening line', bridgeListening, startMs);
  if (signal.aborted) return null;

  const floor = start(
    'floor',
    [
      'simulate',
      options.scenario,
      '--seed',
      String(options.seed),
      '--truth',
      at('truth.jsonl'),
      '--endpoints',
      at('endpoints.json'),
      '--uplink-target',
      `mqtts://127.0.0.1:${bridgeUp.mqtts}`,
      '--control',
      '--hold',
      ...(options.healthy ? ['--healthy'] : []),
      ...options.without.flatMap((id) => ['--without', id]),
    ],
    true,
  );
  // Asked for at once: on a busy computer it may listen before the gateway has joined.
  const floorUp = floor.waitFor('its listening line', floorListening, startMs);
  floorUp.catch(() => undefined);
  // The gateway joins with a file of the bridge, as an integrator would let it.
  let config = await readFile(here('agent.yaml'), 'utf8');
  config = config.replace('port: 0', `port: ${options.port}`);
  config = config.replace('https://127.0.0.1:8481', `https://127.0.0.1:${bridgeUp.enrolment}`);
  if (options.profileDir !== null) config += `profileDirs: [${JSON.stringify(resolve(options.profileDir))}]\n`;
  const invited = ['--gateway', 'demo-gw', '--site', 'demo', '--out', at('join.json')];
  await runToEnd('bridge', ['bridge', 'enrol', '--data-dir', at('bridge'), ...invited]);
  await runToEnd('agent', ['join', at('join.json'), '--data-dir', at('agent')]);
  await Promise.all([floorUp, drawn]);
  if (signal.aborted) return null;
  const endpoints = endpointsFile.parse(JSON.parse(await readFile(at('endpoints.json'), 'utf8')));
  const watched = endpoints.machines.find(({ camera }) => camera !== undefined);
  config = config.replace('mjpeg+http://127.0.0.1:1/stream', watched?.camera?.endpoint ?? '$&');
  const heard = endpoints.machines.find(({ microphone }) => microphone !== undefined);
  config = config.replace('wav+http://127.0.0.1:1/audio', heard?.microphone?.endpoint ?? '$&');
  await writeFile(at('agent.yaml'), config);
  await Promise.all([
    ...(watched === undefined ? [] : [runToEnd('teach', teachEyeArguments(at, watched.id))]),
    ...(heard === undefined ? [] : [runToEnd('teach', teachEarArguments(at, heard.id))]),
  ]);
  if (signal.aborted) return null;
  const agent = start('agent', ['run', '--config', at('agent.yaml'), '--endpoints', at('endpoints.json')]);
  let status: AgentStatus | null = null;
  agent.onMessage(agentStatus, (m) => (status = m));
  const listening = await agent.waitFor('its listening line', agentListening, startMs);
  options.print('');
  options.print('What runs (all on this machine):');
  for (const m of endpoints.machines)
    options.print(`  floor   ${m.id.padEnd(6)} ${m.profile.padEnd(26)} ${m.protocol.padEnd(15)} ${m.endpoint}`);
  if (watched !== undefined)
    options.print(`  camera  ${watched.id.padEnd(6)} taught from 12 pictures; ${watched.camera?.endpoint ?? ''}`);
  if (heard !== undefined)
    options.print(`  mic     ${heard.id.padEnd(6)} taught from two minutes; ${heard.microphone?.endpoint ?? ''}`);
  options.print(`  bridge  MQTT over TLS 127.0.0.1:${bridgeUp.mqtts}, API 127.0.0.1:${bridgeUp.api}`);
  options.print(`  agent   page ${listening.page}`);
  options.print(`  data    ${dir}`);
  options.print('');
  // The shift begins when the agent watches: however slow its start, it misses nothing it could have seen.
  await agent.waitFor('a good reading of each machine', agentStatus, startMs, (m) => {
    const lastGood = Object.values(m.lastGoodMs);
    return lastGood.length === endpoints.machines.length && lastGood.every((t) => t !== null);
  });
  if (signal.aborted) return null;
  floor.write('begin');
  const startedMs = Date.now();
  return { floor, agent, startedMs, status: () => status };
}

/** What the senses are taught from is made before the shift, of the same machines. */
function beforehand({ scenario, seed }: DemoOptions, what: '--pictures' | '--recordings', folder: string): string[] {
  return ['simulate', scenario, '--seed', String(seed), what, folder];
}

/** As staff would do it before the shift; the name of the cloth is that of `agent.yaml`. */
function teachEyeArguments(at: (name: string) => string, machine: string): string[] {
  const files = ['--config', at('agent.yaml'), '--endpoints', at('endpoints.json'), '--from', at(`cloth/${machine}`)];
  return ['teach', 'vision', ...files, '--machine', machine, '--fabric', 'single-jersey'];
}

/** Fewer samples than where there is time: what was recorded has some more than these. */
function teachEarArguments(at: (name: string) => string, machine: string): string[] {
  const files = ['--config', at('agent.yaml'), '--endpoints', at('endpoints.json'), '--from', at(`sound/${machine}`)];
  return ['teach', 'voiceprint', ...files, '--machine', machine, '--samples', '16'];
}

/** Shows progress until the time is over, then halts the machines. */
async function watch(options: DemoOptions, run: Run, signal: AbortSignal): Promise<{ haltedMs: number } | null> {
  const endMs = run.startedMs + options.durationS * 1000;
  while (Date.now() < endMs) {
    const stepMs = Math.min(5000, endMs - Date.now());
    const ended = await Promise.race([run.agent.ended, run.floor.ended, pause(stepMs, signal)]);
    if (signal.aborted) return null;
    if (ended !== 'time') throw new DemoFailure('A process of the demo ended by itself; its last lines are above.', 1);
    const s = run.status();
    const elapsedS = Math.round((Date.now() - run.startedMs) / 1000);
    if (s !== null) {
      options.print(
        `${String(elapsedS).padStart(4)} s  readings ${s.readings}  alerts ${s.activeAlerts} active, ${s.openAlerts} open  outbox ${s.outboxRecords}  uplink ${s.uplink}`,
      );
    }
  }
  const halted = run.floor.waitFor('the halt', floorHalted, 5000);
  run.floor.write('halt');
  return { haltedMs: (await halted).t };
}

/** Waits for a good reading of each machine after the halt, for the minutes up to it to be sealed, and for an empty outbox. */
async function drain(run: Run, haltedMs: number): Promise<AgentStatus> {
  const afterMs = haltedMs + 1000;
  /** When every machine had been read after the halt; null before. */
  let readMs: number | null = null;
  return await run.agent.waitFor('an empty outbox after the halt', agentStatus, drainMs, (m) => {
    const lastGood = Object.values(m.lastGoodMs).map((t) => t ?? 0);
    if (lastGood.length > 0 && Math.min(...lastGood) > afterMs) readMs ??= Math.max(...lastGood);
    return readMs !== null && m.summarisedToMs > readMs && m.outboxRecords === 0 && m.outboxBatches === 0;
  });
}

async function stopAll(processes: readonly DemoProcess[]): Promise<void> {
  await Promise.all(processes.map((p) => p.stop(stopGraceMs)));
}

function pause(ms: number, signal: AbortSignal): Promise<'time'> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve('time');
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
