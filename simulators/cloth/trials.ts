/**
 * Needle-line trials: a few revolutions of a tube before a camera, in which one needle wears out, with all that a gateway would get of
 * it and, apart from that, the truth. Pure: times are made up, nothing waits.
 *
 * Invariants (tests in `test/unit/simulators/cloth/trials.test.ts`):
 *  N1  The same plan, seed and number give the same trial.
 *  N2  What the gateway gets names no needle but those of its calibration; the truth lies beside it.
 *  N3  The worn needle is at the told column in every frame the truth lists, and in no other frame.
 *  N4  A roll has each of its holes in the frames the truth lists, and shows the mark in every revolution.
 */
import { branch, uniform } from './chance.ts';
import { tubeOf, type TubeCamera } from './geometry.ts';
import type { Trial, TrialPlan, TrialPosition } from './trial.ts';
import { planTrial } from './trial-line.ts';
import { planRoll } from './trial-roll.ts';
import type { Mounted } from './trial-wires.ts';
import type { TubeEye, TubeScene } from './tube-camera.ts';

const marginRows = 8;

/** Who draws the frames of trials. */
export interface TrialDrawer {
  readonly generator: string;
  createEye(scene: TubeScene): TubeEye;
}

export interface TrialMaker {
  trial(position: TrialPosition, number: number, hasLine: boolean): Trial;
  /** A roll of `metres` with `holes` in it, in parts that go on where the one before ends; few of its frames are drawn. */
  roll(position: TrialPosition, metres: number, holes: number): readonly Trial[];
}

/** Trials of one plan: one machine, its cloth and its light, the camera mounted anew in each. */
export function createTrialMaker(plan: TrialPlan, seed: number, drawer: TrialDrawer): TrialMaker {
  const tube = tubeOf(plan);
  const direction = uniform(branch(seed, 'direction'), 0) < 0.5 ? 1 : -1;
  const mounted = (position: TrialPosition, label: string): Mounted => {
    const own = branch(seed, label);
    const marginPx = position === 'index' ? marginRows : 0;
    const camera: TubeCamera = {
      widthPx: plan.widthPx,
      heightPx: plan.rowsPx,
      pxPerMm: plan.pxPerMm,
      needleZero: Math.floor(uniform(own, 2) * tube.needles),
      direction,
    };
    const markNeedle = Math.floor(uniform(own, 3) * tube.needles);
    // Where the camera is mounted is another place in every trial; cloth and light are those of one machine.
    const { tone, unevenness, shakeMm } = plan;
    const eye = drawer.createEye({ seed, tube, camera, marginPx, markNeedle, tone, unevenness, shakeMm });
    return { plan, tube, camera, eye, generator: drawer.generator, position, seed: own, marginPx, markNeedle };
  };
  return {
    trial: (position, number, hasLine) => planTrial(mounted(position, `trial ${position} ${number}`), number, hasLine),
    roll: (position, metres, holes) => planRoll(mounted(position, `roll ${position}`), metres, holes),
  };
}
