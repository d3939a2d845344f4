/** A disturbance as a scenario would bring it, for tests that hand it to a simulated machine themselves. */
import assert from 'node:assert/strict';
import { scenarioSchema, type DisturbanceVerb, type ScenarioDisturbance } from '../../simulators/scenario/schema.ts';

/** `extra` are the fields beside the verb, as they stand in a scenario file. The schema does not ask which machine knows the verb. */
export function disturbance(verb: DisturbanceVerb, extra: Record<string, unknown> = {}): ScenarioDisturbance {
  const [parsed] = scenarioSchema.parse({
    version: 1,
    site: 'x',
    machines: [{ id: 'm', kind: 'lockstitch', map: 'sewing-modbus-ref', protocol: 'modbus-tcp' }],
    disturbances: [{ machine: 'm', verb, atS: 0, ...extra }],
  }).disturbances;
  return parsed ?? assert.fail('no disturbance');
}
