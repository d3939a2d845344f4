/** The verdict: everything read, everything judged, each failure in words. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { judgeConserved } from './conserved.ts';
import { judgeEar } from './ear.ts';
import { judgeEye } from './eye.ts';
import { judgeFaults } from './faults.ts';
import { readBridge, readCounterBounds, readRing, readScenario, readSync, readTruth } from './read.ts';
import type { MachineRow, Report, RunFacts } from './report.ts';
import { readCropBytes, readFabricAlerts, readSoundAlerts } from './senses.ts';
import { judgeStates } from './states.ts';
import { judgeValues } from './values.ts';

const gateway = 'demo-gw';
const eventLoopLimitMs = 20;
const idleFactor = 3;
const rssLimitMB = 240;

const scenarios = fileURLToPath(new URL('../../../simulators/scenarios/', import.meta.url));
const profiles = fileURLToPath(new URL('../../../drivers/profiles/', import.meta.url));

export interface ScoreInput {
  /** The demo's data folder. */
  readonly dir: string;
  /** A shipped scenario's name, or a path. */
  readonly scenario: string;
  readonly facts: Omit<RunFacts, 'machines'>;
}

interface EndpointsFile {
  machines: { id: string; profile: string; protocol: string }[];
}

export function scoreRun({ dir, scenario, facts }: ScoreInput): Report {
  const named = join(scenarios, `${scenario}.yaml`);
  const { faults, kinds, needles } = readScenario(existsSync(named) ? named : scenario);
  const truth = readTruth(join(dir, 'truth.jsonl'));
  const ring = readRing(join(dir, 'agent', 'ring.db'));
  const journal = join(dir, 'agent', 'journal.db');
  const bridgeDb = join(dir, 'bridge', 'bridge.db');
  const bridge = readBridge(bridgeDb, gateway);
  const endpoints = JSON.parse(readFileSync(join(dir, 'endpoints.json'), 'utf8')) as EndpointsFile;
  const profileOf = new Map(endpoints.machines.map((m) => [m.id, m.profile]));

  const found = judgeFaults(facts.healthy ? [] : faults, truth, bridge.observed);
  const pictureBytes = (sha256: string): number | null => readCropBytes(join(dir, 'agent', 'evidence'), sha256);
  const eye = judgeEye({
    planned: facts.healthy ? [] : faults,
    truth,
    alerts: readFabricAlerts(bridgeDb, gateway),
    needles: (machine) => needles.get(machine) ?? null,
    cropBytes: pictureBytes,
  });
  const ear = judgeEar({
    planned: facts.healthy ? [] : faults,
    truth,
    alerts: readSoundAlerts(bridgeDb, gateway),
    pictureBytes,
  });
  const resetAt = new Map(
    truth.flatMap((line) =>
      line.kind === 'fault' && line.data['fault'] === 'counter_reset' ? [[line.machine, line.t] as const] : [],
    ),
  );
  const bounds = new Map(
    [...new Set(profileOf.values())].map((p) => [p, readCounterBounds(join(profiles, `${p}.yaml`))]),
  );
  const conserved = judgeConserved({
    truth,
    stored: ring.points,
    heard: ring.heard,
    atBridge: bridge.counters,
    resetAt,
    bound: (machine, signal) => bounds.get(profileOf.get(machine) ?? '')?.get(signal) ?? null,
  });
  const values = judgeValues(truth, ring.points);
  const sync = readSync(journal, bridgeDb, gateway);
  const machines = endpoints.machines.map((m): MachineRow => ({
    id: m.id,
    kind: kinds.get(m.id) ?? 'unknown',
    protocol: m.protocol,
    readings: ring.count(m.id),
    gaps: bridge.gaps.get(m.id) ?? [],
    states: Object.fromEntries(
      Object.entries(bridge.states.get(m.id) ?? {}).map(([s, v]) => [s, Math.round(v * 10) / 10]),
    ),
  }));
  const { watched } = bridge;
  const stateProblems =
    watched === null
      ? ['the bridge knows no start or no stop of the agent']
      : machines.flatMap((m) => {
          const firstHeard = ring.heard(m.id)[0];
          if (firstHeard === undefined) return [`${m.id}: nothing was heard of it`];
          return judgeStates(truth, m.id, bridge.states.get(m.id) ?? {}, { ...watched, firstHeardMs: firstHeard });
        });

  const problems = [
    ...found.problems,
    ...eye.problems,
    ...ear.problems,
    ...conserved.problems,
    ...values.problems,
    ...stateProblems,
  ];
  if (conserved.rows.length === 0) problems.push('no counter was judged');
  if (facts.lostRecords > 0) problems.push(`${facts.lostRecords} records never reached the journal`);
  if (sync.lost > 0) problems.push(`${sync.lost} records of the journal never reached the bridge`);
  if (sync.duplicated > 0) problems.push(`${sync.duplicated} records stand twice at the bridge, or were never made`);
  if (sync.acked !== sync.sealed || sync.sealed === 0)
    problems.push(`${sync.sealed} batches sealed, ${sync.acked} acked`);
  if (sync.atBridge !== sync.sealed) problems.push(`${sync.sealed} batches sealed, ${sync.atBridge} at the bridge`);
  if (!(facts.eventLoopP99Ms < eventLoopLimitMs || facts.eventLoopP99Ms <= idleFactor * facts.eventLoopIdleP99Ms)) {
    problems.push(`event-loop p99 ${facts.eventLoopP99Ms} ms (bare Node beside it: ${facts.eventLoopIdleP99Ms} ms)`);
  }
  if (!(facts.rssMB < rssLimitMB)) problems.push(`the agent's main process takes ${facts.rssMB} MB`);
  return {
    ok: problems.length === 0,
    durationS: Math.round((facts.haltedMs - facts.startedMs) / 1000),
    seed: facts.seed,
    machines,
    faults: found.rows,
    falseAlerts: found.falseAlerts,
    conserved: conserved.rows,
    sync,
    eventLoopP99Ms: facts.eventLoopP99Ms,
    eventLoopIdleP99Ms: facts.eventLoopIdleP99Ms,
    rssMB: facts.rssMB,
    values: values.rows,
    eye: eye.rows,
    ear: ear.rows,
    problems,
  };
}
