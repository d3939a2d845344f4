/** The microphones of a floor: what the model knows of shafts and faults, turned into what each of them hears. */
import type { SewingFault } from '../dataset/sound.ts';
import type { SimulatorError } from '../errors.ts';
import { createRandom, type Random } from '../random.ts';
import type { ScenarioMicrophone } from '../scenario/schema.ts';
import { createMicrophoneServer, type MicrophoneServer } from '../servers/microphone.ts';
import type { LiveSite } from '../sound/live.ts';
import type { FloorEvent, FloorModel, MachineView } from './model.ts';

export interface FloorMicrophone {
  readonly machine: string;
  readonly server: MicrophoneServer;
  /** Takes over a tick: what began and ended with it, and where the shaft stands now. */
  latch(events: readonly FloorEvent[]): void;
}

export interface MicrophonesOptions {
  readonly model: FloorModel;
  readonly seed: number;
  readonly random: Random;
  /** Port of the first microphone; 0 takes free ones. */
  readonly firstPort: number;
  readonly onTrouble: (error: SimulatorError) => void;
}

/** A microphone for each machine that has one; none of them runs yet. */
export function createMicrophones(options: MicrophonesOptions): FloorMicrophone[] {
  const { model, seed, firstPort } = options;
  return heardMachines(model).map(({ view, microphone, usualPerMinute }, i) => {
    const machine = view.scenario.id;
    const { random, onTrouble } = options;
    const server = createMicrophoneServer({
      site: siteOf(microphone, usualPerMinute, createRandom(seed, `microphone ${machine}`)),
      pulse: microphone.pulse,
      tickS: model.tickMs / 1000,
      port: firstPort === 0 ? 0 : firstPort + i,
      random,
      onTrouble,
    });
    let faults: readonly SewingFault[] = [];
    return {
      machine,
      server,
      latch(events) {
        for (const event of events) {
          if (event.machine !== machine || (event.kind !== 'fault' && event.kind !== 'clear')) continue;
          if (event.fault === 'bent_needle') faults = event.kind === 'fault' ? [bentNeedle(model, event.id)] : [];
        }
        const shaft = view.shaft();
        if (shaft !== null) server.latch({ shaft, faults });
      },
    };
  });
}

export interface HeardMachine {
  readonly view: MachineView;
  readonly microphone: ScenarioMicrophone;
  readonly usualPerMinute: number;
}

export function heardMachines({ machines }: FloorModel): HeardMachine[] {
  return machines.flatMap((view): HeardMachine[] => {
    const { scenario } = view;
    if (!('microphone' in scenario) || scenario.microphone === undefined) return [];
    const [slowest, fastest] = scenario.parameters.speedRpm;
    return [{ view, microphone: scenario.microphone, usualPerMinute: (slowest + fastest) / 2 }];
  });
}

/** @param random of this run of the floor: the machine is the same on all days, what chance does in its sound is not */
export function siteOf(microphone: ScenarioMicrophone, usualPerMinute: number, random: Random): LiveSite {
  const { voice, rateHz, neighbours, snrDb, load } = microphone;
  return { voice, rateHz, neighbours, snrDb, load, usualPerMinute, firstNumber: Math.floor(random() * 2 ** 40) };
}

function bentNeedle(model: FloorModel, id: string): SewingFault {
  const severity = model.schedule.faults.find(({ fault }) => fault.id === id)?.fault.params.strength ?? 1;
  return { kind: 'bentNeedle', severity };
}
