/** The cameras of a floor: what the model knows of cylinders and faults, turned into what each camera sees. */
import { tubeOf } from '../cloth/geometry.ts';
import type { KnitFault } from '../cloth/knit.ts';
import type { CameraTrouble, TubeScene } from '../cloth/tube-camera.ts';
import type { SimulatorError } from '../errors.ts';
import { createRandom, type Random } from '../random.ts';
import type { FaultName, ScenarioCamera, ScenarioMachine } from '../scenario/schema.ts';
import {
  createCameraServer,
  tubeSceneOf,
  type CameraOptions,
  type CameraPosition,
  type CameraServer,
} from '../servers/camera.ts';
import type { FloorEvent, FloorModel, MachineView } from './model.ts';
import type { FloorClock } from './run.ts';

export interface FloorCamera {
  readonly machine: string;
  readonly position: CameraPosition;
  readonly server: CameraServer;
  /** What stands before it. */
  readonly scene: TubeScene;
  readonly jpegQuality: number;
  /** Takes over a tick: the machine as it was at `monotonicMs`, what began and ended with it; `held`: time does not count. */
  latch(events: readonly FloorEvent[], monotonicMs: number, held: boolean): void;
}

export interface CamerasOptions {
  readonly model: FloorModel;
  readonly seed: number;
  readonly random: Random;
  readonly clock: FloorClock;
  /** Port of the first camera; 0 takes free ones. */
  readonly firstPort: number;
  readonly onTrouble: (error: SimulatorError) => void;
}

/** A camera for each machine that has one; none of them runs yet. */
export function createCameras(options: CamerasOptions): FloorCamera[] {
  const cameras: FloorCamera[] = [];
  for (const view of options.model.machines) {
    const { scenario } = view;
    if (!('camera' in scenario) || scenario.camera === undefined) continue;
    const port = options.firstPort === 0 ? 0 : options.firstPort + cameras.length;
    cameras.push(createFloorCamera(view, scenario, scenario.camera, port, options));
  }
  return cameras;
}

const troubles: Readonly<Partial<Record<FaultName, CameraTrouble | 'stalled'>>> = {
  camera_stalled: 'stalled',
  camera_black: 'black',
  camera_overexposed: 'overexposed',
  camera_defocused: 'defocused',
  camera_moved: 'moved',
};

interface Line {
  readonly fault: string;
  readonly needle: number;
  readonly strength: number;
  readonly fromHeight: number;
  toHeight: number;
}

function createFloorCamera(
  view: MachineView,
  scenario: Extract<ScenarioMachine, { map: 'knit-circular-opcua' | 'knit-circular-kf4-tcp' }>,
  spec: ScenarioCamera,
  port: number,
  options: CamerasOptions,
): FloorCamera {
  const tube = tubeOf(scenario.parameters);
  const random = createRandom(options.seed, `camera ${scenario.id}`);
  const needleZero = spec.needleZero ?? Math.floor(random() * tube.needles);
  const { countZero, ...rest } = spec;
  const cameraOptions: CameraOptions = {
    ...rest,
    ...(countZero === undefined ? {} : { countZero }),
    tube,
    camera: { ...spec, needleZero },
    seed: Math.floor(random() * 2 ** 32),
    port,
    random: options.random,
    clock: options.clock,
    onTrouble: options.onTrouble,
  };
  const server = createCameraServer(cameraOptions);
  // What is up to two images below the middle can be in view yet; what is older is forgotten.
  const keptCourses = (2 * spec.heightPx) / spec.pxPerMm / (10 / tube.coursesPerCm);
  let lines: Line[] = [];
  let trouble: CameraTrouble | 'stalled' | null = null;
  return {
    machine: scenario.id,
    position: spec.position,
    server,
    scene: tubeSceneOf(cameraOptions),
    jpegQuality: spec.jpegQuality,
    latch(events, monotonicMs, held) {
      const cylinder = view.cylinder();
      if (cylinder === null) return;
      const height = tube.feeders * cylinder.revolutions;
      for (const event of events) {
        if (event.machine !== scenario.id || (event.kind !== 'fault' && event.kind !== 'clear')) continue;
        const begins = event.kind === 'fault';
        const kind = troubles[event.fault];
        if (kind !== undefined) trouble = begins ? kind : null;
        if (event.cloth === undefined) continue;
        if (begins)
          lines.push({
            fault: event.id,
            ...event.cloth,
            ...lineOf(options.model, event.id),
            fromHeight: height,
            toHeight: Infinity,
          });
        else for (const line of lines) if (line.fault === event.id) line.toHeight = Math.min(line.toHeight, height);
      }
      lines = lines.filter((line) => line.toHeight > height - keptCourses);
      server.latch({
        monotonicMs,
        revolutions: cylinder.revolutions,
        speedRpm: held ? 0 : cylinder.speedRpm,
        faults: lines.map(({ needle, fromHeight, toHeight, strength }): KnitFault => ({
          kind: 'needle_line',
          needle,
          fromHeight,
          toHeight,
          strength,
        })),
        trouble,
      });
    },
  };
}

function lineOf(model: FloorModel, id: string): { readonly strength: number } {
  const entry = model.schedule.faults.find(({ fault }) => fault.id === id);
  return { strength: entry?.fault.params.strength ?? 0.9 };
}
