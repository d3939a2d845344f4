/**
 * A floor of sewing machines with 24 summarised signals each, for the benches of store and sync: speeds, temperatures, currents and
 * counters as machines show them, with their resolution, noise and drift, and a machine that sews and stands in turn. Pure.
 */

export const signalsEach = 24;
/** Machines change between running and standing at this beat; each begins at its own place in it. */
export const cycleS = 900;
const runShare = 0.5;

interface Gauge {
  readonly signal: string;
  readonly unit: string;
  readonly running: number;
  readonly standing: number;
  /** Spread of the noise, in the unit. */
  readonly noise: number;
  /** Swing over two hours, in the unit. */
  readonly drift: number;
  /** Digits after the point, as the machine shows it. */
  readonly digits: 0 | 1 | 2;
  readonly deadband: number;
}
const gauge = (
  signal: string,
  unit: string,
  [running, standing]: readonly [number, number],
  [noise, drift]: readonly [number, number],
  digits: Gauge['digits'],
  deadband: number,
): Gauge => ({ signal, unit, running, standing, noise, drift, digits, deadband });

const gauges: readonly Gauge[] = [
  gauge('spindle.speed', 'RPM', [4200, 0], [160, 0], 0, 20),
  gauge('spindle.speedset', 'RPM', [4200, 4200], [0, 0], 0, 0),
  gauge('bus.voltage', 'VLT', [312, 318], [3, 4], 0, 2),
  gauge('motor.current', 'AMP', [2.4, 0.2], [0.5, 0.1], 2, 0.05),
  gauge('motor.temp', 'CEL', [52, 44], [0.3, 8], 1, 0.5),
  gauge('drive.temp', 'CEL', [47, 41], [0.3, 6], 1, 0.5),
  gauge('presser.force', 'NEW', [38, 30], [2, 1], 1, 0.5),
  gauge('thread.tension', 'NEW', [1.4, 0.3], [0.35, 0.1], 2, 0.05),
  gauge('bobbin.remaining', 'P1', [55, 55], [0, 45], 0, 1),
  gauge('stitch.length', 'MMT', [2.5, 2.5], [0, 0], 1, 0),
  gauge('oil.pressure', 'BAR', [1.8, 1.1], [0.06, 0.1], 2, 0.05),
  gauge('air.pressure', 'BAR', [5.9, 6.1], [0.08, 0.2], 2, 0.05),
  gauge('vibration.rms', 'MTS', [3.6, 0.1], [0.6, 0.1], 2, 0.1),
  gauge('power.active', 'WTT', [420, 65], [60, 10], 0, 10),
  gauge('light.level', 'LUX', [930, 930], [12, 60], 0, 20),
  gauge('room.humidity', 'P1', [58, 58], [0.4, 7], 1, 0.5),
];

interface Counter {
  readonly signal: string;
  readonly unit: string;
  /** While it runs. */
  readonly perS: number;
}
const counters: readonly Counter[] = [
  { signal: 'stitch.total', unit: 'C62', perS: 68 },
  { signal: 'needle.stitches', unit: 'C62', perS: 68 },
  { signal: 'trim.count', unit: 'C62', perS: 0.11 },
  { signal: 'piece.count', unit: 'C62', perS: 0.021 },
  { signal: 'energy.total', unit: 'WHR', perS: 0.117 },
  { signal: 'run.seconds', unit: 'SEC', perS: 1 },
  { signal: 'presser.lifts', unit: 'C62', perS: 0.23 },
  { signal: 'thread.used', unit: 'MTR', perS: 0.31 },
];

/** Of these machines, read every `intervalMs`. */
export function floorProfile(intervalMs: number) {
  return {
    profile: 'bench-floor',
    version: 1,
    title: 'A sewing machine with 24 summarised signals',
    kind: 'lockstitch',
    protocol: 'modbus',
    verified: false,
    source: ['test/bench'],
    polls: { normal: { intervalMs } },
    signals: {
      'status.running': { kind: 'flag', from: { table: 'input', address: 0, bit: 0 } },
      ...Object.fromEntries(
        gauges.map(({ signal, unit, deadband }, at) => [
          signal,
          { kind: 'gauge', unit, deadband, from: { table: 'input', address: 1 + at } },
        ]),
      ),
      ...Object.fromEntries(
        counters.map(({ signal, unit, perS }, at) => [
          signal,
          {
            kind: 'counter',
            unit,
            wrapsAt: 2 ** 32,
            maxRatePerS: Math.max(4, 2 * perS),
            from: { table: 'input', address: 40 + 2 * at, type: 'uint32' },
          },
        ]),
      ),
    },
    states: [{ when: { signal: 'status.running', is: true }, state: 'RUN' }, { state: 'IDLE' }],
  };
}

/** As good as random, in 0 … 1. */
function noise(machine: number, column: number, step: number): number {
  let hash = Math.imul(machine * 0x9e37_79b1 + column, 0x85eb_ca6b) ^ Math.imul(step + 1, 0xc2b2_ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  hash = Math.imul(hash ^ (hash >>> 13), 0x297a_2d39);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Seconds into the beat at second `s` of the machine's day. */
const phaseS = (machine: number, s: number) => s + Math.floor(noise(machine, 0, 0) * cycleS);
export const isRunning = (machine: number, s: number) => phaseS(machine, s) % cycleS < runShare * cycleS;

/** Seconds the machine has run since long before second 0. */
function runS(machine: number, s: number): number {
  const at = phaseS(machine, s);
  return Math.floor(at / cycleS) * runShare * cycleS + Math.min(at % cycleS, runShare * cycleS);
}

/** What the machine shows at second `s` ≥ 0, by signal, in the order of the profile. */
export function floorValues(machine: number, s: number): [signal: string, value: number | boolean][] {
  const running = isRunning(machine, s);
  const values: [string, number | boolean][] = [['status.running', running]];
  for (const [column, one] of gauges.entries()) {
    const own = 1 + 0.06 * (noise(machine, column + 1, 0) - 0.5);
    const swing = one.drift * Math.sin((2 * Math.PI * (s + 900 * column + 60 * machine)) / 7200);
    const level = (running ? one.running : one.standing) * own + swing;
    const value = level + (level === 0 ? 0 : one.noise * (noise(machine, column + 1, s + 1) - 0.5));
    // A register holds a whole number; the point is moved when it is read.
    values.push([one.signal, Math.max(0, Math.round(value * 10 ** one.digits)) / 10 ** one.digits]);
  }
  for (const [column, { signal, perS }] of counters.entries()) {
    const before = Math.floor(noise(machine, 100 + column, 0) * 100_000);
    values.push([signal, before + Math.floor(perS * runS(machine, s))]);
  }
  return values;
}
