import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadProfile, parseProfile } from '../../../drivers/profiles/load.ts';
import { checkScenario } from '../../../simulators/scenario/check.ts';
import {
  disturbanceVerbs,
  faultNames,
  faultsOfCamera,
  faultsOfMicrophone,
} from '../../../simulators/scenario/schema.ts';
import { fastProfile } from '../../soak/agent.ts';
import { soakScenario } from '../../soak/scenario.ts';

test('every seed makes a floor that could be written down as a scenario, the same each time', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const scenario = soakScenario(seed, 1800);
    assert.deepEqual(checkScenario(scenario), []);
    assert.deepEqual(soakScenario(seed, 1800), scenario);
  }
  assert.notDeepEqual(soakScenario(1, 600).faults, soakScenario(2, 600).faults);
});

test('half an hour meets every fault and every trouble there is, but those of cameras and microphones: it has none', () => {
  const { faults, disturbances } = soakScenario(1, 1800);
  const ofSenses = new Set<string>([...faultsOfCamera, ...faultsOfMicrophone]);
  assert.deepEqual(
    new Set(faults.map(({ fault }) => fault)),
    new Set(faultNames.filter((name) => !ofSenses.has(name))),
  );
  assert.deepEqual(new Set(disturbances.map(({ verb }) => verb)), new Set(disturbanceVerbs));
});

test('the profiles of machines that run twenty times as fast are profiles', () => {
  for (const { map } of soakScenario(1, 0).machines) {
    const fast = parseProfile(JSON.stringify(fastProfile(map)), map);
    for (const [name, shipped] of Object.entries(loadProfile(map, []).signals)) {
      const signal = fast.signals[name];
      if (shipped.kind === 'counter')
        assert.equal(signal?.kind === 'counter' && signal.maxRatePerS, shipped.maxRatePerS * 20);
    }
  }
});
