/**
 * The floor of the torture: sewing machines that sew short seams and have a fault every few seconds, so that something is always about
 * to be committed. No counter is reset, so that every count can be exact. Pure; the same seed makes the same floor.
 */
import { between, createRandom } from '../../simulators/random.ts';

const machineCount = 8;
const faults = ['thread_break', 'oil_low', 'bobbin_empty', 'motor_overload'] as const;
const faultSlotS = 9;
const faultForS = [1, 4] as const;
/** The counter shows 32 bits; some machines pass the end within the first minutes. */
const wrapStart = 2 ** 32 - 4_000;

export const tortureMachines = Array.from({ length: machineCount }, (_, n) => ({
  id: `ls-${n + 1}`,
  kind: 'lockstitch',
  map: n % 2 === 0 ? 'sewing-modbus-ref' : 'sewing-modbus-silverstar',
}));

/** A floor, as the scenario file has it, with faults for `lastsS` seconds. */
export function tortureScenario(seed: number, lastsS: number): object {
  return {
    version: 1,
    site: 'site-1',
    machines: tortureMachines.map((machine, n) => ({
      ...machine,
      protocol: 'modbus-tcp',
      start: n % 4 === 0 ? { 'stitch.total': wrapStart } : {},
      parameters: { handlingS: [0.5, 2], burstS: [0.5, 2], burstsPerPiece: [1, 2] },
    })),
    faults: tortureMachines.flatMap(({ id: machine }) => {
      const random = createRandom(seed, `torture ${machine}`);
      return Array.from({ length: Math.floor(lastsS / faultSlotS) }, (_, n) => ({
        id: `${machine}-${n}`,
        machine,
        fault: faults[Math.floor(random() * faults.length)] ?? 'oil_low',
        atS: n * faultSlotS + between(random, [0, faultSlotS - faultForS[1] - 0.5]),
        forS: between(random, faultForS),
        expect: { as: 'event', type: 'any', withinS: 1 },
      }));
    }),
  };
}
