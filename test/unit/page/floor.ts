/** A stand-in for the rest of the agent: the floor of docs/machines.md as the page sees it. Tests change it as they go. */
import { randomBytes } from 'node:crypto';
import type { AlertRecord, MachineState } from '../../../cloud-bridge/contract.ts';
import { WriteDesk } from '../../../agent/writes/desk.ts';
import type { AuditEntry } from '../../../agent/store/audit-entry.ts';
import type { SetPointValue, Writable, WriteResult } from '../../../drivers/contract.ts';
import type { AlertView, MachineView, SignalView, UplinkView } from '../../../agent/live.ts';
import type { RollListed } from '../../../agent/rolls/read.ts';
import type { RollFormat } from '../../../agent/rolls/show.ts';
import type { AckOutcome, ClothView, PageClock, PageLog, PageSources } from '../../../agent/page/source.ts';

export const realClock: PageClock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
export const silentLog: PageLog = { info: () => undefined, warn: () => undefined, error: () => undefined };
export const random = (count: number): Uint8Array => randomBytes(count);

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

export interface MutableFloor {
  machines: MachineView[];
  alerts: AlertView[];
  history: AlertView[];
  uplink: UplinkView;
  /** Machines whose readings stand still; all others that can be read bring a good reading each time one looks. */
  readonly frozen: Set<string>;
  /** Rolls of every machine with an eye, newest first. */
  rolls: RollListed[];
  /** Pictures of faults by their SHA-256. */
  readonly crops: Map<string, Uint8Array>;
  /** Of every machine with an eye. */
  cloth: ClothView;
}

/** What a test can see and change. */
export interface Floor extends MutableFloor {
  readonly sources: PageSources;
  readonly writable: WritableMachine;
  readonly acks: { occurrence: string; actor: string; comment: string | null }[];
  /** Who began and who stopped to teach. */
  readonly taught: { deed: 'teach' | 'cancel'; machine: string; by: string }[];
  setMachine(id: string, change: Partial<MachineView>): void;
  raise(alert: AlertView): void;
}

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
  state,
  cause: null,
  stateSinceMs: Date.now() - sinceS * 1000,
  gap: null,
  unknownCodes: [],
  lastGoodMs: Date.now() - 400,
  readings: 128_400,
  hasEye: false,
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
    ...more,
  };
}

function demoMachines(): MachineView[] {
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

function demoAlerts(): AlertView[] {
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

/** A machine with two set-points, and the real desk before it. */
export class WritableMachine implements Writable {
  readonly values = new Map<string, SetPointValue>([
    ['speed.max', 4000],
    ['status.light', false],
  ]);
  readonly written: [name: string, value: SetPointValue][] = [];
  readonly audit: AuditEntry[] = [];
  isReadable = true;
  /** Fails every row of the audit. */
  isDiskFull = false;
  /** Instead of writing. */
  answer: ((name: string, value: SetPointValue) => WriteResult) | null = null;

  setPoints(machine: string) {
    if (machine !== 'ls-1') return [];
    const speed = { name: 'speed.max', title: 'Highest speed', unit: 'RPM', kind: 'number' } as const;
    const light = { name: 'status.light', title: 'Sewing light', unit: 'C62', kind: 'switch' } as const;
    return [
      { ...speed, range: [200, 5000] as const, step: 100 },
      { ...light, range: [0, 1] as const, step: null },
    ];
  }
  readSetPoint = async (_machine: string, name: string): Promise<SetPointValue | null> =>
    this.isReadable ? (this.values.get(name) ?? null) : null;
  write = async (_machine: string, name: string, value: SetPointValue): Promise<WriteResult> => {
    this.written.push([name, value]);
    if (this.answer !== null) return this.answer(name, value);
    this.values.set(name, value);
    return { outcome: 'written', readBack: value };
  };

  desk(clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }): WriteDesk {
    let id = 0;
    return new WriteDesk({
      enabled: new Map([['ls-1', this]]),
      audit: async (entry) => {
        if (this.isDiskFull) throw new RangeError('disk full');
        this.audit.push(entry);
      },
      history: async (limit) => {
        const newest = new Map(this.audit.map((entry) => [entry.write, entry]));
        return { items: [...newest.values()].toReversed().slice(0, limit), next: null };
      },
      clock,
      makeId: () => `write-${++id}`,
      log: () => {},
    });
  }
}

export function createFloor(): Floor {
  const writable = new WritableMachine();
  const acks: Floor['acks'] = [];
  const taught: Floor['taught'] = [];
  const isTeaching = () => floor.cloth.teaching?.state === 'running';
  const hasEye = (id: string) => floor.machines.some((m) => m.id === id && m.hasEye);
  const floor: Floor = {
    machines: demoMachines(),
    alerts: demoAlerts(),
    history: [
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
    ],
    uplink: {
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
    },
    acks,
    writable,
    frozen: new Set(),
    rolls: [],
    crops: new Map(),
    cloth: { fabric: 'single-jersey', known: null, teaching: null },
    taught,
    setMachine(id, change) {
      floor.machines = floor.machines.map((m) => (m.id === id ? { ...m, ...change } : m));
    },
    raise(alert) {
      floor.alerts = [...floor.alerts, alert];
    },
    sources: {
      writes: writable.desk(),
      machines: () => floor.machines.map((m) => (m.gap !== null || floor.frozen.has(m.id) ? m : readAgain(m))),
      alerts: () => floor.alerts,
      uplink: () => floor.uplink,
      health: () => ({ ok: true, eventLoopP99Ms: 3.1 }),
      trend: async (id, name, fromMs, toMs) => {
        const found = floor.machines.find((m) => m.id === id);
        return found === undefined ? { t: [], v: [] } : trendOf(found, name, fromMs, toMs);
      },
      alertHistory: async (filter, cursor) => {
        const from = Number(cursor ?? '0');
        const all = [...floor.alerts, ...floor.history]
          .filter(({ record }) => filter.states === null || filter.states.includes(record.state))
          .filter(({ record }) => filter.machine === null || record.machine === filter.machine);
        const items = all.slice(from, from + filter.limit);
        return { items, next: from + items.length < all.length ? String(from + items.length) : null };
      },
      summaries: async () => ({ items: [], next: null }),
      rolls: {
        list: async (id) => (hasEye(id) ? floor.rolls : null),
        file: async (id, roll, format) => {
          const found = floor.rolls.find(({ number }) => roll === null || String(number) === roll);
          return hasEye(id) && found !== undefined ? Buffer.from(fileOf(found, format)) : null;
        },
        begin: async (id, name) => {
          if (!hasEye(id)) return null;
          const number = (floor.rolls[0]?.number ?? 0) + 1;
          const beganMs = Date.now();
          const [newest, ...others] = floor.rolls;
          const before = newest === undefined ? [] : [{ ...newest, endedMs: beganMs, lengthM: 120.5 }];
          floor.rolls = [rollListed(number, { id: name ?? String(number), beganMs }), ...before, ...others];
          return { number, id: name ?? String(number) };
        },
      },
      cloth: {
        view: (id) => (hasEye(id) ? floor.cloth : null),
        teach: (id, by) => {
          if (!hasEye(id)) return 'no-eye';
          if (isTeaching()) return 'busy';
          taught.push({ deed: 'teach', machine: id, by });
          const teaching = { state: 'running', picture: 0, of: 12, startedMs: Date.now(), report: null } as const;
          floor.cloth = { ...floor.cloth, teaching };
          return floor.cloth;
        },
        cancel: async (id, by) => {
          if (!hasEye(id)) return 'no-eye';
          if (!isTeaching()) return 'not-running';
          taught.push({ deed: 'cancel', machine: id, by });
          floor.cloth = { ...floor.cloth, teaching: null };
          return floor.cloth;
        },
      },
      crop: async (sha256) => floor.crops.get(sha256) ?? null,
      ack: async (occurrence, actor, comment): Promise<AckOutcome> => {
        const found = floor.alerts.find(({ record }) => record.occurrence === occurrence);
        if (found === undefined) return 'unknown-occurrence';
        if (found.record.state !== 'active-unacked') return 'not-open';
        acks.push({ occurrence, actor, comment });
        floor.alerts = floor.alerts.map((alert) =>
          alert === found
            ? {
                ...alert,
                record: { ...alert.record, state: 'active-acked', transition: 'acked', actor, atMs: Date.now() },
              }
            : alert,
        );
        return 'acked';
      },
    },
  };
  return floor;
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
function fileOf({ number }: RollListed, format: RollFormat): string {
  return format === 'svg'
    ? `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40"><rect width="${number}" height="40"/></svg>`
    : `${format} of ${number}`;
}

/** The machine with a reading of just now. */
function readAgain(m: MachineView): MachineView {
  const now = Date.now() - 200;
  const signals = m.signals.map((view) => ({ ...view, sourceTimeMs: now }));
  return { ...m, lastGoodMs: now, readings: m.readings + 1, signals };
}

/** A plausible curve with a hole in it: bursts of sewing with handling between, or a steady knitting machine. */
function trendOf(m: MachineView, name: string, fromMs: number, toMs: number) {
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
