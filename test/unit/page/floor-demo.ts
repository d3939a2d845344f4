/** What the stand-in floor begins with: the machines of docs/machines.md, their alerts and curves. */
import type { AlertRecord, MachineState } from '../../../cloud-bridge/contract.ts';
import type { AlertView, MachineView, SignalView, UplinkView } from '../../../agent/live.ts';
import type { RollListed } from '../../../agent/rolls/read.ts';
import type { RollFormat } from '../../../agent/rolls/show.ts';

const signal = (
  name: string,
  unit: string,
  value: SignalView['value'],
  more: Partial<SignalView> = {},
): SignalView => ({
  signal: name,
  kind: 'gauge',
  unit,
  value,
  quality: 'good',
  reason: null,
  sourceTimeMs: Date.now() - 300,
  ...more,
});

const machine = (
  id: string,
  name: string,
  kind: string,
  profile: string,
  protocol: string,
  station: string,
  state: MachineState,
  sinceS: number,
  signals: SignalView[],
  more: Partial<MachineView> = {},
): MachineView => ({
  id,
  name,
  kind,
  line: kind === 'circular-knit' ? 'Knitting' : 'Line 2',
  station,
  profile,
  protocol,
  endpoint: null,
  state,
  cause: null,
  stateSinceMs: Date.now() - sinceS * 1000,
  gap: null,
  unknownCodes: [],
  lastGoodMs: Date.now() - 400,
  readings: 128_400,
  hasEye: false,
  hasEar: false,
  signals,
  ...more,
});

let n = 100;
export function alertView(
  change: Partial<AlertRecord> & Pick<AlertRecord, 'occurrence' | 'machine' | 'type' | 'text'>,
  more: Partial<Omit<AlertView, 'record'>> = {},
): AlertView {
  const raisedMs = change.raisedMs ?? Date.now();
  n += 1;
  return {
    record: {
      n,
      v: 1,
      atMs: raisedMs,
      kind: 'alert',
      rule: change.type,
      signal: null,
      priority: 'high',
      transition: 'raised',
      state: 'active-unacked',
      onsetMs: raisedMs,
      raisedMs,
      clearedMs: null,
      cause: null,
      evidence: {},
      actor: null,
      ...change,
    },
    verified: true,
    runbook: null,
    incident: null,
    acts: null,
    ...more,
  };
}

export function demoMachines(): MachineView[] {
  const ago = (s: number) => Date.now() - s * 1000;
  return [
    machine(
      'ls-1',
      'Lockstitch 1',
      'lockstitch',
      'sewing-modbus-ref',
      'modbus-tcp',
      'Station 4',
      'FAULT',
      252,
      [
        signal('spindle.speed', 'RPM', 0),
        signal('motor.temp', 'CEL', 71.4),
        signal('motor.current', 'AMP', 0.31),
        signal('bus.voltage', 'VLT', 311.2),
        signal('thread.tension.needle', 'C20', 9.4),
        signal('bobbin.remaining', 'C62', 8240),
        signal('stitch.total', 'C62', 18_402_113, { kind: 'counter' }),
        signal('piece.count', 'C62', 4127, { kind: 'counter' }),
        signal('error.code', 'C62', 21, { kind: 'code' }),
        signal('status.running', 'C62', false, { kind: 'flag' }),
      ],
      { cause: 'drive.overload' },
    ),
    machine('ls-2', 'Lockstitch 2', 'lockstitch', 'sewing-modbus-silverstar', 'modbus-tcp', 'Station 5', 'RUN', 3, [
      signal('spindle.speed', 'RPM', 3850),
      signal('motor.temp', 'CEL', 54.9),
      signal('motor.current', 'AMP', 1.72),
      signal('bus.voltage', 'VLT', 309),
      signal('bobbin.remaining', 'P1', 62),
      signal('stitch.total', 'C62', 9_002_771, { kind: 'counter' }),
      signal('piece.count', 'C62', 871, { kind: 'counter', quality: 'uncertain', reason: 'counter-reset' }),
    ]),
    machine(
      'ov-1',
      'Overlock 1',
      'overlock',
      'sewing-modbus-ref',
      'modbus-rtu-tcp',
      'Station 6',
      'STOP_MATERIAL',
      58,
      [
        signal('spindle.speed', 'RPM', 0),
        signal('motor.temp', 'CEL', 49.2),
        signal('thread.tension.needle', 'C20', 0.6),
        signal('bobbin.remaining', 'C62', 15_300),
        signal('stitch.total', 'C62', 33_120_940, { kind: 'counter' }),
      ],
      { cause: 'material.thread_break' },
    ),
    machine(
      'rt-1',
      'Retrofit lockstitch',
      'lockstitch',
      'sewing-retrofit-csv',
      'line-tcp',
      'Station 7',
      'OFFLINE',
      41,
      [
        signal('spindle.speed', 'RPM', 2210, { quality: 'bad', reason: 'not-connected', value: null }),
        signal('head.temp', 'CEL', null, { quality: 'bad', reason: 'not-connected' }),
        signal('vibration.rms', 'C16', null, { quality: 'bad', reason: 'not-connected' }),
        signal('oil.level', 'P1', null, { quality: 'bad', reason: 'not-connected' }),
      ],
      { gap: { fromMs: ago(41), reason: 'connection-lost' }, lastGoodMs: ago(41) },
    ),
    machine('ck-1', 'Circular knitting 1', 'circular-knit', 'knit-circular-opcua', 'opcua', 'Hall B', 'RUN', 5_430, [
      signal('cylinder.speed', 'RPM', 24.6),
      signal('yarn.tension', 'C20', 5.1),
      signal('power.active', 'WTT', 2310),
      signal('cam.temp', 'CEL', 46.3),
      signal('oil.level', 'P1', 18),
      signal('revolution.count', 'C62', 5_120_774, { kind: 'counter' }),
      signal('fabric.length', 'MMT', 88_412_090, { kind: 'counter' }),
      signal('roll.count', 'C62', 312, { kind: 'counter' }),
    ]),
  ];
}

export function demoAlerts(): AlertView[] {
  const ago = (s: number) => Date.now() - s * 1000;
  return [
    alertView(
      {
        occurrence: 'occ-oil',
        machine: 'ck-1',
        type: 'oil_low',
        text: 'Oil level is low',
        priority: 'medium',
        state: 'active-acked',
        actor: 'rahim',
        raisedMs: ago(2_760),
        cause: 'maintenance.oil_low',
        evidence: { signal: 'oil.level', value: 18, limit: 20 },
      },
      { runbook: 'Fill up with the needle oil named on the plate, to the upper mark. The machine may go on running.' },
    ),
    alertView(
      {
        occurrence: 'occ-overload',
        machine: 'ls-1',
        type: 'motor_overload',
        text: 'The main motor is overloaded (error 21)',
        priority: 'urgent',
        raisedMs: ago(252),
        cause: 'drive.overload',
        evidence: { code: '21' },
      },
      {
        runbook:
          'Switch off. Turn the hand wheel: if it is stiff, look for thread around the hook and the shaft. Check that the fabric is not thicker than the machine allows. Switch on again.',
      },
    ),
    alertView(
      {
        occurrence: 'occ-offline',
        machine: 'rt-1',
        type: 'offline',
        text: 'The machine cannot be read',
        priority: 'medium',
        raisedMs: ago(35),
        cause: 'connection-lost',
      },
      { runbook: 'Check the power of the sensor box and the network cable of its serial server.' },
    ),
  ];
}

export function demoHistory(): AlertView[] {
  return [
    alertView({
      occurrence: 'occ-old',
      machine: 'ls-2',
      type: 'bobbin_empty',
      text: 'The bobbin is empty',
      priority: 'medium',
      state: 'normal',
      transition: 'closed',
      raisedMs: Date.now() - 5_400_000,
      clearedMs: Date.now() - 5_310_000,
      cause: 'material.bobbin_empty',
      actor: 'rahim',
    }),
  ];
}

export function demoUplink(): UplinkView {
  return {
    configured: true,
    connected: true,
    sinceMs: Date.now() - 8_040_000,
    reason: null,
    outboxRecords: 14,
    outboxBatches: 1,
    outboxFiles: 0,
    oldestUnackedMs: Date.now() - 1_200,
    acked: 20_417,
    redelivered: 2,
    deadLetters: 0,
  };
}

export function rollListed(number: number, more: Partial<RollListed> = {}): RollListed {
  return {
    number,
    id: String(number),
    fabric: 'single-jersey',
    why: 'asked',
    missed: 0,
    beganMs: Date.now() - 3_600_000,
    endedMs: null,
    lengthM: null,
    ...more,
  };
}

/** Something of the right kind, with the number of the roll in it. */
export function fileOf({ number }: RollListed, format: RollFormat): string {
  return format === 'svg'
    ? `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40"><rect width="${number}" height="40"/></svg>`
    : `${format} of ${number}`;
}

/** A plausible curve with a hole in it: bursts of sewing with handling between, or a steady knitting machine. */
export function trendOf(m: MachineView, name: string, fromMs: number, toMs: number) {
  const t: number[] = [];
  const v: (number | null)[] = [];
  const stopsMs = m.state === 'RUN' ? Number.POSITIVE_INFINITY : m.stateSinceMs;
  const gapMs = m.gap?.fromMs ?? Number.POSITIVE_INFINITY;
  for (let at = fromMs; at < toMs; at += 1_000) {
    const s = Math.floor(at / 1000);
    const wave = Math.sin(s / 41) * 0.5 + Math.sin(s / 13 + m.id.length) * 0.5;
    const running = at < stopsMs;
    const piece = (s * 7 + m.id.charCodeAt(1) * 3) % 34;
    let value: number;
    if (name === 'spindle.speed') value = running && piece < 14 ? 3_700 + wave * 200 : 0;
    else if (name === 'cylinder.speed') value = running ? 24.4 + wave * 0.8 : 0;
    else value = 50 + wave * 4;
    const inHole = at >= gapMs || (m.id === 'ck-1' && at > toMs - 340_000 && at < toMs - 290_000);
    t.push(at);
    v.push(inHole ? null : value);
  }
  return { t, v };
}
