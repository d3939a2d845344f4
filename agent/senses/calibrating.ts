/** Looks for the line of a needle whose number is known, picture by picture, for `selvedge calibrate`. What is made of it is decided in `models/vision/`. */
import { createCamera } from '../../drivers/camera/camera.ts';
import { parseCameraEndpoint } from '../../drivers/camera/endpoint.ts';
import type { Frame } from '../../drivers/camera/frame.ts';
import { ModelError } from '../../models/errors.ts';
import { defaultBlobOptions } from '../../models/vision/blobs.ts';
import { calibrated, type Calibrated, type LineSighting } from '../../models/vision/calibration.ts';
import { judge } from '../../models/vision/eye.ts';
import type { Graph } from '../../models/graph.ts';
import type { Taught } from '../../models/vision/taught.ts';
import type { Box, Grey } from '../../models/vision/grey.ts';
import { type TubeGeometry, walePitchMm } from '../../models/vision/position.ts';
import { type Placing, sighted, tubePlacing } from '../../models/vision/sight.ts';
import { cellPx } from '../../models/vision/tiles.ts';
import { Angle } from './eye/angle.ts';
import type { EyeMachine } from './eye/settings.ts';

/** A blob reaches as far as the scores are this share of what it must reach. */
const lowShare = 0.5;
/** More revolutions than the line shall be seen in, because a picture may miss it. */
const patience = 4;
/** A folder has been looked through when nothing came for so long. */
const quietMs = 3_000;

export interface Calibrating {
  readonly machine: Pick<EyeMachine, 'machine' | 'endpoint' | 'mask' | 'geometry' | 'position' | 'coursePitchMm'>;
  readonly knownNeedle: number;
  readonly revolutions: number;
  readonly withinMs: number;
  readonly taught: Taught;
  readonly graph: Graph;
  readonly onRevolutions?: (seen: number, turned: number) => void;
}

export interface Looked {
  readonly found: Calibrated;
  /** Of the pictures; null where none came. */
  readonly widthPx: number | null;
  readonly pictures: number;
  /** Pictures whose angle was known. */
  readonly placed: number;
  /** Revolutions the machine made meanwhile. */
  readonly turned: number;
}

/** Looks until the line was seen in enough revolutions, or for four times as many, or until the time is over. */
export async function lookForLine(options: Calibrating): Promise<Looked> {
  const { machine, knownNeedle, revolutions, withinMs } = options;
  const sightings: LineSighting[] = [];
  let geometry: TubeGeometry | null = null;
  let angle: Angle | null = null;
  let [pictures, placed] = [0, 0];
  let firstTurns: number | null = null;
  let lastTurns = 0;
  let heardMs = performance.now();
  let reported = -1;
  const turned = () => (firstTurns === null ? 0 : lastTurns - firstTurns);
  const { promise: enough, resolve: done } = Promise.withResolvers<void>();
  const look = async (frame: Frame): Promise<void> => {
    pictures += 1;
    const ringRowsPx = machine.position.kind === 'index' ? machine.position.ringRowsPx : 0;
    geometry ??= {
      ...machine.geometry,
      zeroNeedle: null,
      referenceColumnPx: frame.width / 2,
      referenceRowPx: (frame.height - ringRowsPx) / 2,
    };
    angle ??= new Angle(machine.position, geometry);
    const count = frame.index?.kind === 'encoder' ? frame.index.count : null;
    const turn = angle.turnOf({ timeMs: frame.capturedMs, count, picture: frame });
    if (turn === null || !turn.isAnchored) return;
    placed += 1;
    firstTurns ??= turn.turns;
    lastTurns = turn.turns;
    const picture: Grey = {
      width: frame.width,
      height: frame.height - ringRowsPx,
      pixels: frame.pixels.subarray(ringRowsPx * frame.width),
    };
    for (const line of await linesIn(picture, geometry, machine.coursePitchMm, options)) {
      sightings.push({ turn, ...line });
    }
    const result = calibrated(geometry, knownNeedle, sightings, revolutions);
    const seen = result.kind === 'no-line' ? result.revolutions : revolutions;
    if (Math.floor(turned()) !== reported) {
      reported = Math.floor(turned());
      options.onRevolutions?.(seen, reported);
    }
    // Two lines are told apart by looking on: the other one may not have come by yet.
    const isSure = result.kind !== 'no-line' && turned() >= revolutions;
    if (isSure || turned() >= patience * revolutions) done();
  };
  const camera = createCamera(
    { camera: machine.machine, endpoint: machine.endpoint, mask: machine.mask, filesEveryMs: 1 },
    {
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: Math.random,
      onEvent: () => undefined,
      log: () => undefined,
      onFrame: async (frame) => {
        heardMs = performance.now();
        try {
          await look(frame);
        } catch (error) {
          // A picture without cloth; the next may have some.
          if (!(error instanceof ModelError)) throw error;
        }
      },
    },
  );
  const isFolder = parseCameraEndpoint(machine.endpoint).kind === 'files';
  const watch = setInterval(() => {
    if (isFolder && performance.now() - heardMs > quietMs) done();
  }, 200);
  const timer = setTimeout(done, withinMs);
  await camera.start(new AbortController().signal);
  await enough;
  clearTimeout(timer);
  clearInterval(watch);
  await camera.stop();
  const found: Calibrated =
    geometry === null ? { kind: 'no-line', revolutions: 0 } : calibrated(geometry, knownNeedle, sightings, revolutions);
  // Assigned in the callback: the compiler still thinks of its first value.
  const seen = geometry as TubeGeometry | null;
  return { found, widthPx: seen === null ? null : seen.referenceColumnPx * 2, pictures, placed, turned: turned() };
}

/** Columns at which lines along a wale stand in a picture. */
async function linesIn(
  picture: Grey,
  geometry: TubeGeometry,
  coursePitchMm: number,
  { taught, graph }: Pick<Calibrating, 'taught' | 'graph'>,
): Promise<readonly { readonly xPx: number; readonly xSdPx: number }[]> {
  const { map, cloth } = await judge(picture, taught, graph);
  const high = Math.sqrt(taught.threshold * taught.alone);
  const inMap = (box: Box): Box => ({
    left: Math.ceil(box.left / cellPx),
    top: Math.ceil(box.top / cellPx),
    right: Math.floor(box.right / cellPx),
    bottom: Math.floor(box.bottom / cellPx),
  });
  const still = { turns: 0, randomSd: 0, systematicSd: 0, perS: 0, isAnchored: true };
  // Columns, not needles: which needle it is shall be found out.
  const placing: Placing = {
    ...tubePlacing(geometry, still),
    acrossPerPx: 1,
    across: (xPx, sdPx) => ({ at: xPx, randomSd: sdPx, systematicSd: 0, isAnchored: true }),
  };
  const { frame } = sighted(
    {
      timeMs: 0,
      map,
      picture,
      scale: cellPx,
      view: {
        mmPerPx: geometry.mmPerPx * cellPx,
        walePitchMm: walePitchMm(geometry),
        coursePitchMm,
        behind: null,
        isKnit: true,
        cloth: inMap(cloth),
      },
      placing,
    },
    { ...defaultBlobOptions, leastPixels: 1, high, low: lowShare * high },
  );
  return frame.sightings
    .filter(({ shape }) => shape === 'vertical')
    .map(({ place }) => ({ xPx: place.at, xSdPx: place.randomSd }));
}
