/**
 * How a shaft turns, by generator b. Physics: a motor whose torque is bounded and whose governor settles as a lag of first order; cogging
 * at whole orders of the motor's poles; a dip where the needle goes in; a governor that hunts a few times a second; a slow wander
 * (Ornstein and Uhlenbeck). (Generator a changes speed at a constant rate and has one wave a turn.)
 */
import type { Motion, Segment } from '../dataset/sound.ts';
import { bell, pick, type Dice } from './dice.ts';

export interface Engine {
  readonly nominalPerMinute: number;
  /** From rest to nominal at full torque, s. */
  readonly riseS: number;
  /** Shares of the speed. */
  readonly cogging: readonly { readonly order: number; readonly share: number; readonly phase: number }[];
  readonly dip: { readonly share: number; readonly phase: number };
  readonly hunting: { readonly hz: number; readonly share: number };
  readonly wander: { readonly share: number; readonly tauS: number };
  /** Of the turn before a trim. */
  readonly trimTurnHz: number;
}

/** What a belt that slips does to the speed: it loses its hold slowly and catches again, once a turn of the belt. */
export interface Slip {
  readonly order: number;
  readonly share: number;
}

const step = 16;
const pictureSize = 1024;

export function turnShaft(
  dice: Dice,
  rateHz: number,
  engine: Engine,
  segments: readonly Segment[],
  slip: Slip | null,
): Motion {
  const length = Math.round(rateHz * segments.reduce((sum, { durationS }) => sum + durationS, 0));
  const turns = new Float64Array(length);
  const drive = new Float32Array(length);
  const [starts, stops, trims]: [number[], number[], number[]] = [[], [], []];
  const uneven = unevenOf(engine);
  const stepS = step / rateHz;
  const nominalHz = engine.nominalPerMinute / 60;
  const torque = (nominalHz / engine.riseS) * stepS;
  const settle = 1 - Math.exp(-stepS / (0.25 * engine.riseS));
  const forget = Math.exp(-stepS / engine.wander.tauS);
  const stir = Math.sqrt(1 - forget * forget) * engine.wander.share;
  let wander = engine.wander.share * bell(dice);
  let hunt = dice();
  let angle = dice();
  let hz = segments[0]?.kind === 'run' ? segments[0].speed / 60 : 0;
  let i = 0;
  let endS = 0;
  for (const segment of segments) {
    endS += segment.durationS;
    const [from, end] = [i, Math.min(length, Math.round(endS * rateHz))];
    if (segment.kind === 'trim') trims.push(Math.min(end - 1, from + Math.floor((end - from) / 2)));
    while (i < end) {
      const wanted = wantedHz(segment, engine, i - from < (end - from) / 2);
      const was = hz;
      const lag = settle * (wanted - hz);
      hz += Math.max(-torque, Math.min(torque, lag));
      // The governor's last hundredth: the motor is there, or the brake holds.
      if (Math.abs(hz - wanted) < 0.004 * nominalHz) hz = wanted;
      if (was === 0 && hz > 0) starts.push(i);
      if (was > 0 && hz === 0) stops.push(i);
      wander = forget * wander + stir * bell(dice);
      hunt += engine.hunting.hz * stepS * (1 + 0.3 * wander);
      const turn = angle - Math.floor(angle);
      let share = 1 + wander + engine.hunting.share * Math.sin(2 * Math.PI * hunt);
      share += uneven[Math.floor(turn * pictureSize)] as number;
      if (slip !== null) {
        const belt = slip.order * angle;
        share += slip.share * (0.5 - holdOf(belt - Math.floor(belt)));
      }
      const goes = (hz * Math.max(0, share)) / rateHz;
      const until = Math.min(end, i + step);
      for (; i < until; i += 1) {
        turns[i] = angle;
        drive[i] = hz / nominalHz;
        angle += goes;
      }
    }
  }
  return { rateHz, turns, drive, starts, stops, trims };
}

/** A saw with a soft tooth, mean ½. */
const holdOf = (turn: number): number => (turn < 0.8 ? turn / 0.8 : (1 - turn) / 0.2);

function wantedHz(segment: Segment, engine: Engine, firstHalf: boolean): number {
  if (segment.kind === 'run') return segment.speed / 60;
  return segment.kind === 'trim' && firstHalf ? engine.trimTurnHz : 0;
}

/** Cogging and the dip over one turn, mean 0. */
function unevenOf({ cogging, dip }: Engine): Float32Array {
  const picture = Float32Array.from({ length: pictureSize }, (_, i) => {
    const turn = i / pictureSize;
    const cogs = cogging.reduce((sum, c) => sum + c.share * Math.sin(2 * Math.PI * (c.order * turn + c.phase)), 0);
    return cogs - dip.share * Math.exp(20 * (Math.cos(2 * Math.PI * (turn - dip.phase)) - 1));
  });
  const mean = picture.reduce((sum, value) => sum + value, 0) / pictureSize;
  return picture.map((value) => value - mean);
}

/** Angle at a time, turns, on the line between two samples. */
export function angleAt({ turns, rateHz }: Motion, timeS: number): number {
  const place = Math.max(0, Math.min(turns.length - 1, timeS * rateHz));
  const i = Math.floor(place);
  const here = turns[i] ?? 0;
  return here + ((turns[i + 1] ?? here) - here) * (place - i);
}

/** Cogging of a motor of so many poles. */
export const coggingOf = (dice: Dice, poles: number, share: number): Engine['cogging'] =>
  [1, 2, 3].map((k) => ({ order: poles * k, share: (share / k) * pick(dice, [0.5, 1.3]), phase: dice() }));
