/** A machine that can be set: a profile of one speed and one light, with the set-points a test gives it. */
import { profileSchema, type Profile } from '../../../drivers/profiles/schema.ts';

export function profileOf(writes: Record<string, unknown>, more: object = {}): Profile {
  return profileSchema.parse({
    profile: 'writable',
    version: 1,
    title: 'A machine that can be set',
    kind: 'lockstitch',
    protocol: 'modbus',
    verified: false,
    source: ['a test'],
    polls: { normal: { intervalMs: 20 } },
    signals: {
      'spindle.speed': { kind: 'gauge', unit: 'RPM', from: { table: 'holding', address: 0 } },
      'status.light': { kind: 'flag', from: { table: 'coil', address: 3 } },
    },
    writes,
    states: [{ state: 'IDLE' }],
    ...more,
  });
}

export const speed = { title: 'Highest speed', unit: 'RPM', table: 'holding', address: 10, range: [200, 5000] };
export const light = { title: 'Light', table: 'coil', address: 3, range: [0, 1] };
