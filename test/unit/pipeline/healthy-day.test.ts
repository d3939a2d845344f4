/** With the rules as they ship, a machine that has nothing raises at most one alert a day. A whole day, in model time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPipeline } from '../../../agent/pipeline.ts';
import type { PipelineCounts } from '../../../agent/pipeline-ports.ts';
import { loadRuleSet, shippedRules } from '../../../agent/rules/load.ts';
import type { RuleOverrides } from '../../../agent/rules/schema.ts';
import type { Reading } from '../../../drivers/contract.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { createFloorModel } from '../../../simulators/floor/model.ts';
import { loadScenario, scenarioFile } from '../../../simulators/scenario/load.ts';
import { eight, emptyRecovery, setupOf } from './rig.ts';

/** Readings come as slowly as a plant would poll; the physics between them is stepped just as coarsely. */
const pollMs = 500;
const hourMs = 3_600_000;

interface Watched {
  /** Each occurrence once: machine, type and onset. */
  readonly raised: readonly string[];
  readonly machineDays: number;
  readonly counts: PipelineCounts;
}

/** The healthy demo floor through the pipeline for some hours. */
function watchHealthy(hours: number, seed: number, overrides: RuleOverrides): Watched {
  const loaded = loadScenario(scenarioFile('demo'));
  assert.ok(loaded.ok);
  const model = createFloorModel(loaded.scenario, seed, { healthy: true, tickMs: pollMs });
  const raised = new Map<string, string>();
  let nowMs = 0;
  const pipeline = createPipeline({
    machines: model.machines.map(({ scenario: { id, map } }) => setupOf(id, loadProfile(map, []))),
    rules: loadRuleSet(overrides, {}, shippedRules()),
    clock: { wallMs: () => eight + nowMs, monotonicMs: () => nowMs },
    recovery: emptyRecovery,
    out: {
      journal: (entries) => {
        for (const { record } of entries) {
          if (record.kind !== 'alert') continue;
          const { occurrence, machine, type, onsetMs } = record;
          raised.set(occurrence, `${machine} ${type} at ${new Date(onsetMs).toISOString()}`);
        }
        return Promise.resolve();
      },
      ring: () => undefined,
    },
  });
  for (; nowMs < hours * hourMs; nowMs += pollMs) {
    model.step(pollMs);
    for (const machine of model.machines) {
      const { id } = machine.scenario;
      const at = { sourceTimeMs: eight + nowMs, receivedTimeMs: eight + nowMs, monotonicMs: nowMs };
      const readings = [...machine.values()].map(([signal, value]): Reading => ({
        machine: id,
        signal,
        ...at,
        quality: 'good',
        value,
      }));
      pipeline.accept({ kind: 'readings', machine: id, readings });
    }
    pipeline.tick();
  }
  return {
    raised: [...raised.values()],
    machineDays: (model.machines.length * hours) / 24,
    counts: pipeline.counts(),
  };
}

for (const [seed, hours] of [
  [1, 24],
  [2, 6],
] as const) {
  test(`${hours} healthy hours of six machines raise at most one alert a machine-day (seed ${seed})`, () => {
    const { raised, machineDays, counts } = watchHealthy(hours, seed, {});
    assert.ok(
      raised.length / machineDays <= 1,
      `${raised.length} in ${machineDays} machine-days: ${raised.join(', ')}`,
    );
    // A pipeline that watched nothing would pass too.
    assert.ok(counts.readings > ((hours * hourMs) / pollMs) * 5 * 7);
    assert.equal(counts.bad, 0);
  });
}

test('control: the same hours with a limit that a healthy machine crosses raise alerts', () => {
  assert.ok(watchHealthy(1, 1, { 'oil-low': { limit: 77 } }).raised.length > 0);
});
