/**
 * A machine as the pipeline knows it: what the configuration and the profile say, with its signals numbered, so that the
 * stages keep arrays instead of maps.
 */
import type { Profile, SignalSpec } from '../drivers/profiles/schema.ts';
import type { Cylinder } from './incidents/arcs.ts';
import type { DraftOf } from './records.ts';
import type { WebSetup } from './rolls/desk.ts';

export interface MachineSetup {
  /** The cloth a camera looks at; absent: no camera does. */
  readonly web?: WebSetup;
  /** A microphone hears it. Absent: none does. */
  readonly hasEar?: boolean;
  /** Its needles, as eye and ear name them. Absent: neither names any. */
  readonly cylinder?: Cylinder;
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly line: string | null;
  readonly station: string | null;
  readonly profile: Profile;
  /** Version of the machine's firmware where it is known; chooses between code tables. */
  readonly firmware: string | null;
  readonly protocol: string;
  /** Name of what it is read over, without anything secret: equal for machines that share a connection. */
  readonly endpoint?: string;
  /** Other poll intervals than the profile's, by poll class, in ms. */
  readonly polls?: Readonly<Record<string, number>> | undefined;
  /** OPC 40001-1 identification: Manufacturer, Model, SerialNumber, … */
  readonly identification?: Readonly<Record<string, string>> | undefined;
}

/** What people call a machine and where it stands; may change while it is watched. */
export type MachineLabel = Pick<MachineSetup, 'id' | 'name' | 'line' | 'station'>;
/** What may become known of a machine while it is watched; none of it changes how it is read or judged. */
export type MachineNews = Partial<Pick<MachineSetup, 'name' | 'line' | 'station' | 'identification'>>;

/**
 * True where the machine has no clock of its own, so that a reading's time is that of its receipt: it is late only by as long as
 * it waits in the driver for the round of polls it belongs to.
 */
export function isStampedAtReceipt({ profile }: MachineSetup): boolean {
  return profile.protocol === 'modbus' || profile.protocol === 'line' || profile.protocol === 'efka';
}

export interface SignalModel {
  readonly index: number;
  readonly name: string;
  readonly spec: SignalSpec;
  /** How often a reading is due; null where the source reports changes only, so that silence means "unchanged". */
  readonly intervalMs: number | null;
  /** True when the state or a stop cause depends on it. */
  readonly decidesState: boolean;
}

export interface MachineModel {
  readonly setup: MachineSetup;
  readonly signals: readonly SignalModel[];
  readonly indexOf: ReadonlyMap<string, number>;
}

/** A model to which signals may be added; a signal keeps its number for good. */
export interface GrowingModel extends MachineModel {
  readonly signals: SignalModel[];
  readonly indexOf: Map<string, number>;
}

/** Adds the signals that the profile of `setup` has beyond the model's; returns them. */
export function growModel(model: GrowingModel, setup: MachineSetup): readonly SignalModel[] {
  const added = modelMachine(setup)
    .signals.filter(({ name }) => !model.indexOf.has(name))
    .map((signal, more): SignalModel => ({ ...signal, index: model.signals.length + more }));
  for (const signal of added) {
    model.signals.push(signal);
    model.indexOf.set(signal.name, signal.index);
  }
  return added;
}

export function modelMachine(setup: MachineSetup): GrowingModel {
  const { profile } = setup;
  const deciding = new Set([
    ...profile.codeTables.map((table) => table.signal),
    ...profile.states.flatMap((rule) => (rule.when === undefined ? [] : [rule.when.signal])),
  ]);
  const signals = Object.entries(profile.signals).map(([name, spec], index): SignalModel => ({
    index,
    name,
    spec,
    intervalMs: intervalMs(setup, spec),
    decidesState: deciding.has(name),
  }));
  return { setup, signals, indexOf: new Map(signals.map((signal) => [signal.name, signal.index])) };
}

function intervalMs(setup: MachineSetup, spec: SignalSpec): number | null {
  const { profile, polls } = setup;
  switch (profile.protocol) {
    case 'opcua':
    case 'knit-floor':
    case 'stoll-events':
      return null;
    case 'line':
      return profile.line?.expectEveryMs ?? null;
    case 'modbus':
    case 'efka':
      return polls?.[spec.poll] ?? profile.polls[spec.poll]?.intervalMs ?? null;
  }
}

/** The machine as the bridge is told of it. */
export function machineDraft(setup: MachineSetup, atMs: number): DraftOf<'machine'> {
  return {
    kind: 'machine',
    machine: setup.id,
    atMs,
    machineKind: setup.kind,
    profile: setup.profile.profile,
    profileVersion: setup.profile.version,
    line: setup.line,
    station: setup.station,
    identification: { ...setup.identification },
    signals: Object.entries(setup.profile.signals).map(([signal, { kind, unit }]) => ({ signal, kind, unit })),
  };
}
