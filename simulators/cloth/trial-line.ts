/** A trial of a needle that wears out: every exposure of some revolutions is drawn. */
import { uniform, within } from './chance.ts';
import { advanceMm, columnOf, passedMm } from './geometry.ts';
import type { KnitFault } from './knit.ts';
import type { Trial } from './trial.ts';
import { type Exposure, inputOf, type Mounted, signals, turning } from './trial-wires.ts';

export function planTrial(mounted: Mounted, number: number, hasLine: boolean): Trial {
  const { plan, tube, camera, eye, seed, position } = mounted;
  const turned = turning(plan, seed);
  const startRevolutions = turned(0);
  const frames: Exposure[] = [];
  for (let beat = 0; ; beat += 1) {
    const timeS = beat / plan.fps;
    const revolutions = turned(timeS);
    if (revolutions - startRevolutions > plan.revolutions) break;
    frames.push({ beat, timeS, revolutions });
  }
  const line = hasLine
    ? {
        needle: Math.floor(uniform(seed, 10) * tube.needles),
        fromRevolutions: startRevolutions + within(seed, 11, ...plan.lineFrom),
        strength: within(seed, 12, ...plan.strength),
      }
    : null;
  const faults: readonly KnitFault[] =
    line === null
      ? []
      : [
          {
            kind: 'needle_line',
            needle: line.needle,
            fromHeight: tube.feeders * line.fromRevolutions,
            toHeight: Infinity,
            strength: line.strength,
          },
        ];
  const passes = frames.flatMap(({ revolutions }, frame) => {
    if (line === null || revolutions < line.fromRevolutions) return [];
    const xPx = columnOf(tube, camera, revolutions, line.needle);
    return xPx === null ? [] : [{ frame, xPx, revolutions, mm: passedMm(tube, revolutions) }];
  });
  const halfView = camera.heightPx / camera.pxPerMm / 2 / advanceMm(tube);
  const partly = frames.flatMap(({ revolutions }, frame) => {
    if (line === null || revolutions >= line.fromRevolutions) return [];
    const isIn = columnOf(tube, camera, revolutions, line.needle) !== null;
    return isIn && revolutions + halfView > line.fromRevolutions ? [frame] : [];
  });
  const id = `${position}-${String(number).padStart(4, '0')}`;
  const end = frames.at(-1)?.revolutions ?? startRevolutions;
  const wires = signals(mounted, frames, turned);
  return {
    input: inputOf(mounted, id, wires),
    truth: {
      id,
      position,
      needles: tube.needles,
      rpm: plan.rpm,
      truthNeedle: line?.needle ?? null,
      strength: line?.strength ?? null,
      fromRevolutions: line?.fromRevolutions ?? null,
      fromMm: line === null ? null : passedMm(tube, line.fromRevolutions),
      firstFrame: passes[0]?.frame ?? null,
      passes,
      partly,
      revolutions: { from: startRevolutions, to: end },
      clothMm: passedMm(tube, end - startRevolutions),
      zeroMm: wires.zeroMm,
    },
    draw(frame, pixels) {
      const shown = frames[frame];
      if (shown !== undefined) eye.take({ ...shown, number: shown.beat, faults, trouble: null }, pixels);
    },
  };
}
