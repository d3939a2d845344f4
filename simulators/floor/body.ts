/** Joins a pure machine body with the map it shows itself through. The only place where a body's state is held. */
import { efkaSerialMap } from '../maps/efka-serial.ts';
import { kf4Map } from '../maps/kf4.ts';
import { knitOpcuaMap } from '../maps/knit-opcua.ts';
import type { Condition, MachineMap, ShownCounter, Value } from '../maps/map.ts';
import { retrofitCsvMap } from '../maps/retrofit-csv.ts';
import { sewingRefMap } from '../maps/sewing-ref.ts';
import { sewingSilverstarMap } from '../maps/sewing-silverstar.ts';
import { stollMap } from '../maps/stoll.ts';
import {
  fabricLengthMm,
  initialKnitting,
  stepKnitting,
  type KnittingState,
  type KnittingStop,
} from '../models/knitting.ts';
import {
  initialSewing,
  stepSewing,
  type SewingParameters,
  type SewingState,
  type SewingStop,
} from '../models/sewing.ts';
import { createRandom, type Random } from '../random.ts';
import type { FaultName, ScenarioMachine } from '../scenario/schema.ts';

/** What acts on a machine in one step. */
export interface Control {
  readonly fault: FaultName | null;
  readonly sewNow: boolean;
  readonly restart: boolean;
  readonly halted: boolean;
  readonly hallTempC: number;
}

/** The cylinder of a knitting machine. */
export interface Cylinder {
  /** Since the start; the fraction is its angle. */
  readonly revolutions: number;
  readonly speedRpm: number;
  /** Cloth on the roll, mm. */
  readonly rollMm: number;
}

/** The main shaft of a sewing machine. */
export interface MainShaft {
  /** Since the start; the fraction is its angle. */
  readonly turns: number;
  readonly perMinute: number;
  /** Threads cut since the start. */
  readonly trims: number;
  readonly temperatureC: number;
}

export interface Body {
  step(control: Control, dtS: number): void;
  /** How much a counter has grown since the start, whole counts. */
  grown(signal: string): number;
  show(counter: ShownCounter): Value[];
  condition(): Condition;
  /** null of a machine without one. */
  cylinder(): Cylinder | null;
  /** null of a machine that does not sew. */
  shaft(): MainShaft | null;
}

/** A body at rest at the start of the shift, drawing from a stream of its own. */
export function createBody(machine: ScenarioMachine, seed: number, hallStartC: number): Body {
  const random = createRandom(seed, `machine ${machine.id}`);
  switch (machine.map) {
    case 'sewing-modbus-ref':
      return sewingBody(machine.parameters, sewingRefMap, random, hallStartC);
    case 'sewing-modbus-silverstar':
      return sewingBody(machine.parameters, sewingSilverstarMap, random, hallStartC);
    case 'sewing-retrofit-csv':
      return sewingBody(machine.parameters, retrofitCsvMap, random, hallStartC);
    case 'sewing-efka-serial':
      return sewingBody(machine.parameters, efkaSerialMap, random, hallStartC);
    case 'knit-circular-opcua':
      return knittingBody(machine.parameters, knitOpcuaMap, random, hallStartC);
    case 'knit-circular-kf4-tcp':
      return knittingBody(machine.parameters, kf4Map, random, hallStartC);
    case 'knit-flat-stoll-events':
      return knittingBody(machine.parameters, stollMap, random, hallStartC);
  }
}

type WithMap<M extends ScenarioMachine['map']> = Extract<ScenarioMachine, { map: M }>['parameters'];

function sewingBody(
  given: WithMap<'sewing-modbus-ref'>,
  map: MachineMap<SewingState>,
  random: Random,
  hallStartC: number,
): Body {
  const p: SewingParameters = {
    ...given,
    startTempC: given.startTempC ?? hallStartC,
    bobbinStartStitches: given.bobbinStartStitches ?? given.bobbinStitches,
  };
  let state = initialSewing(p, random);
  return {
    step(control, dtS) {
      state = stepSewing(
        p,
        state,
        { ...control, stop: sewingStop(control.fault), oilLow: control.fault === 'oil_low' },
        dtS,
        random,
      );
    },
    grown(signal) {
      switch (signal) {
        case 'stitch.total':
        case 'needle.stitches':
          return Math.floor(state.stitches);
        case 'trim.count':
          return state.trims;
        case 'piece.count':
          return state.pieces;
        default:
          return Math.floor(state.energyWh);
      }
    },
    show: (counter) => map.show(state, counter),
    condition: () => map.condition(state),
    cylinder: () => null,
    shaft: () => ({
      turns: state.stitches,
      perMinute: state.speedRpm,
      trims: state.trims,
      temperatureC: state.tempC,
    }),
  };
}

function knittingBody(
  given: WithMap<'knit-circular-opcua'>,
  map: MachineMap<KnittingState>,
  random: Random,
  hallStartC: number,
): Body {
  const p = { ...given, startTempC: given.startTempC ?? hallStartC };
  let state = initialKnitting(p);
  return {
    step(control, dtS) {
      state = stepKnitting(p, state, { ...control, stop: knittingStop(control.fault) }, dtS, random);
    },
    grown(signal) {
      switch (signal) {
        case 'revolution.count':
          return Math.floor(state.revolutions);
        case 'fabric.length':
          return Math.floor(fabricLengthMm(p, state));
        case 'roll.count':
        case 'piece.count':
          return state.rolls;
        default:
          return Math.floor(state.energyWh);
      }
    },
    show: (counter) => map.show(state, counter),
    condition: () => map.condition(state),
    cylinder: () => ({
      revolutions: state.revolutions,
      speedRpm: state.speedRpm,
      rollMm: (state.rollRevolutions * p.feeders * 10) / p.coursesPerCm,
    }),
    shaft: () => null,
  };
}

function sewingStop(fault: FaultName | null): SewingStop | null {
  switch (fault) {
    case 'thread_break':
    case 'motor_overload':
    case 'bobbin_empty':
    case 'needle_break':
      return fault;
    default:
      return null;
  }
}
function knittingStop(fault: FaultName | null): KnittingStop | null {
  return fault === 'yarn_break' || fault === 'needle_fault' || fault === 'oil_low' ? fault : null;
}
