/** A roll with holes in it, of which few exposures are drawn: those with the mark, those about a hole, and some drawn by chance. */
import { branch, uniform } from './chance.ts';
import { advanceMm, columnOf, coursePitchMm, nextPass, passedMm, rowOf } from './geometry.ts';
import type { Trial } from './trial.ts';
import { type Exposure, inputOf, type Mounted, signals, turning } from './trial-wires.ts';
import type { TubeHole } from './tube-camera.ts';

/** So many frames a part of a roll: a JPEG has 65,535 rows. */
const framesOfPart = 160;
/** Frames drawn before and after the one that shows a hole best. */
const aroundHole = 1;

export function planRoll(mounted: Mounted, metres: number, count: number): readonly Trial[] {
  const { plan, tube, camera, eye, seed, position } = mounted;
  const turned = turning(plan, seed);
  const start = turned(0);
  const lengthRevolutions = (metres * 1000) / advanceMm(tube);
  /** The exposure nearest to an angle. */
  const beatAt = (revolutions: number): number => {
    let beat = Math.round(((revolutions - start) / plan.rpm) * 60 * plan.fps);
    const off = (at: number): number => Math.abs(turned(at / plan.fps) - revolutions);
    while (beat > 0 && off(beat - 1) < off(beat)) beat -= 1;
    while (off(beat + 1) < off(beat)) beat += 1;
    return beat;
  };
  const middle = (needle: number, from: number) => nextPass(tube, camera, needle, from);
  const viewCourses = (camera.heightPx / camera.pxPerMm) * (tube.coursesPerCm / 10);
  const holes = Array.from({ length: count }, (_, i) => {
    const needle = Math.floor(uniform(seed, i, 40) * tube.needles);
    const pass = middle(needle, start + 3 + ((lengthRevolutions - 4) * (i + 0.5)) / count);
    const height = tube.feeders * pass + viewCourses * (uniform(seed, i, 41) - 0.5) * 0.6;
    const radiusMm = 0.8 + 1.1 * uniform(seed, i, 42);
    return { needle, height, pass, radiusMm };
  });
  const beats = new Set<number>();
  // The mark in every revolution, and in every second one the machine at an angle drawn for it.
  for (let turn = 0; turn < lengthRevolutions; turn += 1) {
    if (position === 'index') beats.add(beatAt(middle(mounted.markNeedle, start + turn)));
    if (turn % 2 === 0) beats.add(beatAt(start + turn + uniform(seed, turn, 43)));
  }
  for (const { pass } of holes) {
    for (let off = -aroundHole; off <= aroundHole; off += 1) beats.add(beatAt(pass) + off);
  }
  const frames = [...beats]
    .toSorted((a, b) => a - b)
    .map((beat): Exposure => ({ beat, timeS: beat / plan.fps, revolutions: turned(beat / plan.fps) }));
  const wires = signals(mounted, frames, turned);
  const painted = holes.map(({ needle, height, radiusMm }, i): TubeHole => ({
    needle,
    height,
    radiusMm,
    seed: branch(seed, `hole ${i}`),
  }));
  const shows = ({ revolutions }: Exposure, { needle, height, radiusMm }: TubeHole): boolean => {
    const x = columnOf(tube, camera, revolutions, needle);
    const y = rowOf(tube, camera, revolutions, height);
    const rim = 1.6 * radiusMm * camera.pxPerMm;
    return x !== null && y !== null && Math.min(x, camera.widthPx - x, y, camera.heightPx - y) > rim;
  };
  const parts: Trial[] = [];
  for (let from = 0; from < frames.length; from += framesOfPart) {
    const own = frames.slice(from, from + framesOfPart);
    const [first, last] = [own[0]?.revolutions ?? start, own.at(-1)?.revolutions ?? start];
    const id = `roll-${position}-${String(parts.length + 1).padStart(4, '0')}`;
    const received = wires.frames.slice(from, from + framesOfPart);
    const [sinceMs, untilMs] = [
      from === 0 ? 0 : (received[0]?.receivedMs ?? 0),
      wires.frames[from + framesOfPart]?.receivedMs ?? Infinity,
    ];
    const telemetry =
      position === 'telemetry'
        ? wires.telemetry.filter(({ receivedMs }) => receivedMs >= sinceMs && receivedMs < untilMs)
        : [];
    parts.push({
      input: inputOf(mounted, id, { ...wires, frames: received, telemetry }),
      truth: {
        id,
        position,
        needles: tube.needles,
        rpm: plan.rpm,
        truthNeedle: null,
        strength: null,
        fromRevolutions: null,
        fromMm: null,
        firstFrame: null,
        passes: [],
        partly: [],
        revolutions: { from: first, to: last },
        clothMm: passedMm(tube, last - first),
        zeroMm: wires.zeroMm,
        holes: painted.flatMap((hole) => {
          const seen = own.flatMap((frame, i) => (shows(frame, hole) ? [i] : []));
          const { needle, height, radiusMm } = hole;
          return seen.length === 0 ? [] : [{ needle, mm: height * coursePitchMm(tube), radiusMm, frames: seen }];
        }),
      },
      draw(frame, pixels) {
        const shown = own[frame];
        if (shown !== undefined)
          eye.take({ ...shown, number: shown.beat, faults: [], holes: painted, trouble: null }, pixels);
      },
    });
  }
  return parts;
}
