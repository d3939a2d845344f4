/** A stand-in for the rest of the agent: the floor of docs/machines.md as the page sees it. Tests change it as they go. */
import { randomBytes } from 'node:crypto';
import { NeedleCaseDesk } from '../../../agent/needle-cases/desk.ts';
import { WriteDesk } from '../../../agent/writes/desk.ts';
import type { AuditEntry } from '../../../agent/store/audit-entry.ts';
import type { SetPointValue, Writable, WriteResult } from '../../../drivers/contract.ts';
import type { AlertView, MachineView, UplinkView } from '../../../agent/live.ts';
import type { RollListed } from '../../../agent/rolls/read.ts';
import type { AckOutcome, ClothView, PageClock, PageLog, PageSources, SoundView } from '../../../agent/page/source.ts';
import { floorActs } from './floor-acts.ts';
import { RunbookDesk } from '../../../agent/runbooks/desk.ts';
import { demoAlerts, demoHistory, demoMachines, demoUplink, fileOf, rollListed, trendOf } from './floor-demo.ts';

import { demoViews, viewsOf, type FloorViews } from './floor-views.ts';

export const realClock: PageClock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
export const silentLog: PageLog = { info: () => undefined, warn: () => undefined, error: () => undefined };
export const random = (count: number): Uint8Array => randomBytes(count);

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
  /** Certificate of the site's authority, DER. */
  authority: Uint8Array | null;
  /** Of every machine with an eye. */
  cloth: ClothView;
  /** Of every machine with an ear. */
  sound: SoundView;
  views: FloorViews;
}

/** What a test can see and change. */
export interface Floor extends MutableFloor {
  readonly sources: PageSources;
  readonly writable: WritableMachine;
  readonly acks: { occurrence: string; actor: string; comment: string | null }[];
  /** Who began and who stopped to teach. */
  readonly taught: { deed: 'teach' | 'cancel'; machine: string; by: string }[];
  /** Who asked the ear for what. */
  readonly heard: { deed: 'teach' | 'cancel' | 'take-back' | 'false-alarm' | 'real'; of: string; by: string }[];
  /** The real desk before a journal that is a list. */
  readonly needles: NeedleCaseDesk;
  /** What every machine of it has counted. */
  readonly counted: { stitch: number; piece: number };
  setMachine(id: string, change: Partial<MachineView>): void;
  raise(alert: AlertView): void;
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
  const heard: Floor['heard'] = [];
  const counted = { stitch: 5_000, piece: 11 };
  const needles = new NeedleCaseDesk({
    boot: '00000000000000aa',
    journal: { event: () => undefined, flush: () => undefined, durable: async () => undefined },
    now: () => ({ wallMs: Date.now(), monotonicMs: performance.now() }),
    value: (_machine, name) => (name === 'stitch.total' ? counted.stitch : counted.piece),
    isWatched: (id) => floor.machines.some((m) => m.id === id),
  });
  const hasEar = (id: string) => floor.machines.some((m) => m.id === id && m.hasEar);
  const alertOf = (occurrence: string) =>
    [...floor.alerts, ...floor.history].find(
      ({ record }) => record.occurrence === occurrence && record.type === 'sound_odd',
    );
  const isTeaching = () => floor.cloth.teaching?.state === 'running';
  const hasEye = (id: string) => floor.machines.some((m) => m.id === id && m.hasEye);
  const floor: Floor = {
    machines: demoMachines(),
    alerts: demoAlerts(),
    history: demoHistory(),
    uplink: demoUplink(),
    acks,
    writable,
    needles,
    counted,
    frozen: new Set(),
    rolls: [],
    crops: new Map(),
    authority: null,
    cloth: { fabric: 'single-jersey', known: null, teaching: null },
    taught,
    heard,
    sound: {
      microphone: 'ok',
      rounds: 'not-taught',
      print: null,
      versions: [],
      teaching: null,
      moved: 0,
      movedRounds: 0,
      mostMove: 3,
      labels: [],
    },
    setMachine(id, change) {
      floor.machines = floor.machines.map((m) => (m.id === id ? { ...m, ...change } : m));
    },
    raise(alert) {
      floor.alerts = [...floor.alerts, alert];
    },
    views: demoViews(demoMachines()),
    sources: {
      views: viewsOf(() => floor.views),
      alertActs: floorActs(() => floor),
      writes: writable.desk(),
      // What ships; a page that is started has a folder for those of its site.
      runbooks: new RunbookDesk({ dataDir: '/dev/null', log: silentLog }),
      needles,
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
      sound: {
        view: (id) => (hasEar(id) ? floor.sound : null),
        teach: (id, samples, by) => {
          if (!hasEar(id)) return 'no-ear';
          if (floor.sound.teaching?.state === 'running') return 'busy';
          heard.push({ deed: 'teach', of: id, by });
          const none = { speeds: [], version: null, leftOut: [], reason: null };
          const teaching = { state: 'running', by, startedMs: Date.now(), wanted: samples, ...none } as const;
          floor.sound = { ...floor.sound, teaching };
          return floor.sound;
        },
        cancel: (id, by) => {
          if (!hasEar(id)) return 'no-ear';
          const { teaching } = floor.sound;
          if (teaching?.state !== 'running') return 'not-running';
          heard.push({ deed: 'cancel', of: id, by });
          floor.sound = { ...floor.sound, teaching: { ...teaching, state: 'stopped' } };
          return floor.sound;
        },
        label: async (occurrence, { said, cause }, by) => {
          if (alertOf(occurrence) === undefined) return 'unknown-occurrence';
          heard.push({ deed: said, of: occurrence, by });
          const label = { occurrence, print: 1, said, cause, by, atMs: Date.now(), spreads: 0.5 };
          floor.sound = { ...floor.sound, moved: said === 'false-alarm' ? 1.5 : 0, labels: [label] };
          return floor.sound;
        },
        takeBack: async (occurrence, by) => {
          if (alertOf(occurrence) === undefined) return 'unknown-occurrence';
          if (floor.sound.labels.length === 0) return 'no-label';
          heard.push({ deed: 'take-back', of: occurrence, by });
          floor.sound = { ...floor.sound, moved: 0, labels: [] };
          return floor.sound;
        },
      },
      authorityCertificate: () => floor.authority,
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

/** The machine with a reading of just now. */
function readAgain(m: MachineView): MachineView {
  const now = Date.now() - 200;
  const signals = m.signals.map((view) => ({ ...view, sourceTimeMs: now }));
  return { ...m, lastGoodMs: now, readings: m.readings + 1, signals };
}
