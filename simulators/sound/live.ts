/**
 * A sewing machine that is heard while it runs: the shaft comes from outside, part by part, and each part is sounded as it comes. The voice is
 * that of a clip (sewing.ts); the room, the microphone and what still rings go on from part to part.
 *
 * Invariants (test/unit/simulators/sound/live.test.ts):
 *  L1  The same machine and the same parts give the same samples.
 *  L2  Of a shaft that turns evenly it sounds as a clip does: the levels of the octaves are those of `record` to two decibels; and
 *      however it is cut into parts, to 0.3 dB.
 *  L3  The pulse comes once a turn, its middle at the whole turn; of a shaft that stands there is none.
 *  L4  Without a fault a part is the same whatever faults came later; a bent needle strikes at
 *      `bentNeedleDegrees`.
 */
import type { Motion, SewingFault } from '../dataset/sound.ts';
import { sewingChanges } from './faults.ts';
import { createHall } from './hall.ts';
import { createSewingSound, sound, streamsOf, type SewingSound } from './machine.ts';
import { rmsOf } from './noise.ts';
import { addRoom, addSelfNoise, hearBy, microphoneOf, roomOf } from './room.ts';
import { addSewing } from './sewing.ts';
import { addSewingFault, bentNeedleAngle } from './sewing-faults.ts';

/** The shaft at a moment. */
export interface Shaft {
  /** Its fraction is the angle. */
  readonly turns: number;
  readonly perMinute: number;
  /** Threads cut since the start. */
  readonly trims: number;
  readonly temperatureC: number;
}

export interface LivePart {
  /** Moments, evenly `stepS` apart; the first is the last of the part before. Between two of them the speed lies on a line. */
  readonly moments: readonly Shaft[];
  readonly stepS: number;
  readonly faults: readonly SewingFault[];
}

export interface LiveSound {
  readonly samples: Float32Array;
  readonly pulse: Float32Array;
}

/** A machine among others, in its place. */
export interface LiveSite {
  /** Seed of the machine. */
  readonly voice: number;
  readonly rateHz: number;
  /** Other machines around it; 0: it stands alone. */
  readonly neighbours: number;
  /** How much quieter they are than this one when it runs at `usualPerMinute`. */
  readonly snrDb: number;
  readonly usualPerMinute: number;
  /** 0 is no cloth, 1 as many and as dense plies as it takes. */
  readonly load: number;
  /** Of the first part: two runs that share no number share no chance. */
  readonly firstNumber: number;
}

/** Filters of the noise begin so much before a part, unheard. */
const leadS = 0.02;
/** The longest that anything rings. */
const ringS = 0.25;
/** The mark on the shaft, turns: some 14 degrees. */
const markTurns = 0.04;
const pulseLevel = 0.8;

/** Where on its turn a bent needle of this machine strikes: degrees of the shaft from the middle of the mark on, in tenths. */
export function bentNeedleDegrees({ voice, rateHz }: Pick<LiveSite, 'voice' | 'rateHz'>): number {
  const machine = createSewingSound(voice, rateHz);
  return Math.round(3600 * bentNeedleAngle(machine.voice, machine.seed)) / 10;
}

/** Gives what sounds the parts, in their order. */
export function createLive(site: LiveSite): (part: LivePart) => LiveSound {
  const { rateHz, load } = site;
  const machine = createSewingSound(site.voice, rateHz);
  const { voice, seed, room, microphone } = machine;
  const [enterRoom, reachMicrophone] = [roomOf(rateHz, room), microphoneOf(rateHz, microphone)];
  const others = site.neighbours === 0 ? null : othersOf(machine, site);
  const lead = Math.round(leadS * rateHz);
  const ring = Math.round(ringS * rateHz);
  let ringing: Float32Array = new Float32Array(0);
  let number = site.firstNumber;
  let sounded = 0;
  return (part) => {
    const stream = streamsOf(machine, number);
    const motion = motionOf(machine, part, lead);
    const length = motion.turns.length - lead;
    const out = new Float32Array(lead + length + ring);
    // A tone goes on where it was.
    const tones = voice.tones.map((tone) => ({
      ...tone,
      phase: (((tone.phase + (tone.hz * (sounded - lead)) / rateHz) % 1) + 1) % 1,
    }));
    const work = { load, temperatureC: part.moments[0]?.temperatureC ?? 25 };
    addSewing(out, motion, { ...voice, tones }, work, sewingChanges(part.faults), stream);
    for (const fault of part.faults) addSewingFault(out, motion, voice, seed, fault, stream);
    const samples = new Float32Array(length);
    for (let i = 0; i < length; i += 1) samples[i] = voice.traits.gain * (out[lead + i] as number) + (ringing[i] ?? 0);
    const rest = ringing;
    ringing = Float32Array.from(
      { length: ring },
      (_, i) => voice.traits.gain * (out[lead + length + i] as number) + (rest[length + i] ?? 0),
    );
    enterRoom(samples);
    reachMicrophone(samples);
    if (others !== null) {
      for (let i = 0; i < length; i += 1)
        samples[i] = (samples[i] as number) + (others[(sounded + i) % others.length] as number);
    }
    addSelfNoise(stream('microphone'), samples, microphone);
    number += 1;
    sounded += length;
    return { samples, pulse: pulseOf(motion, lead) };
  };
}

/** The bed of a hall as this microphone hears it, as loud as was asked for. */
function othersOf(machine: SewingSound, { neighbours, snrDb, usualPerMinute, load }: LiveSite): Float32Array {
  const { rateHz, room, microphone, seed } = machine;
  const hall = createHall(seed, rateHz, { neighbours: 'sewing', machines: neighbours, voices: 0, bangsPerMinute: 0 });
  const heard = Float32Array.from(hall.bed);
  hearBy(heard, rateHz, microphone);
  const usual = { kind: 'run', durationS: 1, speed: usualPerMinute } as const;
  const own = sound(machine, { seed, segments: [usual], faults: [], load, temperatureC: 25 }).samples;
  addRoom(own, rateHz, room);
  hearBy(own, rateHz, microphone);
  const level = (rmsOf(own) * 10 ** (-snrDb / 20)) / Math.max(1e-9, rmsOf(heard));
  return heard.map((sample) => level * sample);
}

/** Every sample's angle and speed; before the first moment it stands for `lead` samples, so that nothing of them is heard. */
function motionOf({ rateHz, voice: { drive: kind } }: SewingSound, { moments, stepS }: LivePart, lead: number): Motion {
  const step = Math.round(stepS * rateHz);
  const count = lead + Math.max(0, moments.length - 1) * step;
  const turns = new Float64Array(count);
  const drive = new Float32Array(count);
  const [starts, stops, trims]: [number[], number[], number[]] = [[], [], []];
  // Uneven within a turn: load and inertia of the machine itself.
  const uneven = (turn: number): number =>
    turn + (kind.ripple / (2 * Math.PI)) * Math.sin(2 * Math.PI * (turn + kind.ripplePhase));
  turns.fill(uneven(moments[0]?.turns ?? 0), 0, lead);
  let at = lead;
  for (let m = 1; m < moments.length; m += 1) {
    const [from, to] = [moments[m - 1], moments[m]];
    if (from === undefined || to === undefined) break;
    if (from.perMinute <= 0 && to.perMinute > 0) starts.push(at);
    if (from.perMinute > 0 && to.perMinute <= 0) stops.push(at + step - 1);
    if (to.trims > from.trims) trims.push(at);
    const gained = to.perMinute - from.perMinute;
    for (let i = 0; i < step; i += 1) {
      const share = (i + 1) / step;
      const perMinute = from.perMinute + gained * share;
      turns[at + i] = uneven(from.turns + ((from.perMinute + perMinute) / 2 / 60) * stepS * share);
      drive[at + i] = perMinute / kind.nominalPerMinute;
    }
    at += step;
  }
  return { rateHz, turns, drive, starts, stops, trims };
}

/** As of an inductive pick-up, which sees a mark that moves. */
function pulseOf({ turns, drive }: Motion, lead: number): Float32Array {
  return Float32Array.from({ length: turns.length - lead }, (_, i) => {
    const turn = (turns[lead + i] as number) + markTurns / 2;
    return (drive[lead + i] as number) > 0 && turn - Math.floor(turn) < markTurns ? pulseLevel : 0;
  });
}
