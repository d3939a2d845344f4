/**
 * Sound that is not the machine's: people who speak beside it, and alarms. It is neither judged nor learned. What stands out is held against
 * what the machine has at that frequency and speed, which is followed all the time: what stays becomes the machine's own within a quarter of a
 * minute of running, so nothing is left out for ever. Pure.
 *
 * Invariants (test/unit/models/voiceprint-foreign.test.ts, test/integration/voiceprint-foreign.test.ts with real synthetic speech):
 *  X1  Of pieces of a machine alone, well or with a fault, at least 98 in a hundred pass.
 *  X2  A tone is left out for `unsureMs` of running at most, unless it is heard while the machine stands, too; then for `sureMs` at most. One that
 *      is not heard while the machine stands is the machine's at once: so a dry hook that squeals is judged.
 *  X3  What is kept is bounded: a spectrum for each of 24 speeds, and no sound.
 */
import { spectraOf, type Spectra } from '../statistics/short-time.ts';
import { speedBandOf } from './gate.ts';

export type ForeignReason = 'speech' | 'alarm';

/** What is looked at: below so many Hz, in frames so long and so far apart. */
const looked = { topHz: 4_200, frameS: 0.085, hopS: 0.032 };
const mostSpeeds = 24;
/** What the machine has in a bin rises and falls by so much a frame, dB: towards the median of its frames. */
const followDb = 0.06;

/** Pitch of voices, Hz, in steps of 1.5 %. */
const pitches = Array.from({ length: 109 }, (_, i) => 80 * 1.015 ** i);
/** Harmonics are looked for up to here, and so many. */
const harmonicsTopHz = 1_500;
const mostHarmonics = 8;
/** More than so much above the machine counts no more, dB. */
const mostDb = 18;
/** A voice keeps its pitch for so many frames, gliding by two steps from one to the next: 180 ms, a syllable. `voicedOf` counts them out. */
const voicedFrames = 4;
/** Mean of the harmonics above what lies between them, dB. */
const voicedDb = 5.5;
/** Harmonics of the shaft are no voice; those of half a turn neither. Slower shafts have none that lie apart. */
const shaftFromHz = 30;
const shaftShare = 0.02;

/** Of tones, Hz. */
const toneFromHz = 500;
const toneTopHz = 4_000;
/** Above what lies around it, dB; and above what the machine has. */
const toneDb = 15;
const toneNewDb = 12;
/** Of the power between the two. */
const tonePowerShare = 0.2;
/** Of the frames of a piece: an alarm may beep. */
const toneFrames = 0.4;
/** A tone is so near another, of a siren that goes up and down. */
const nearShare = 0.3;
/** So much of running is left out while it is not known whether a tone is the machine's; */
const unsureMs = 15_000;
/** and when it was heard while the machine stood. */
const sureMs = 300_000;
/** After so long without a tone the next one is another. */
const forgetMs = 600_000;

/** A piece of sound; time of one clock. */
export interface ForeignPiece {
  readonly samples: Float32Array;
  readonly rateHz: number;
  readonly fromMs: number;
  readonly toMs: number;
}

interface Tones {
  readonly lastMs: number;
  readonly hz: number;
  readonly leftOutMs: number;
  /** Heard while the machine stood: true; not heard then: false; null: it did not stand since. */
  readonly whileStanding: boolean | null;
}

/** One machine's. */
export class ForeignGate {
  /** What the machine has, by band of speed, the one used last at the end. */
  readonly #own = new Map<number, Float32Array>();
  #binHz = 0;
  #tones: Tones | null = null;

  /**
   * Why a piece of the running machine is not the machine's; null: it is.
   * @param speed stitches or revolutions a minute
   */
  running(piece: ForeignPiece, speed: number): ForeignReason | null {
    const { frames, binHz } = spectraOf(piece.samples, piece.rateHz, looked);
    if (frames.length === 0) return null;
    const own = this.#ownOf(frames, binHz, speed);
    const isSpeech = voicedOf({ frames, binHz }, own, speed / 60) >= voicedDb;
    const hz = toneOf({ frames, binHz }, own);
    const isAlarm = !isSpeech && hz !== null && this.#toneWhileRunning(hz, piece);
    // What is left out as an alarm is not learned; that has an end of its own.
    if (!isAlarm) follow(own, frames);
    return isSpeech ? 'speech' : isAlarm ? 'alarm' : null;
  }

  /** Whether somebody speaks in a piece in which the machine stood. What the hall has is followed as what a machine has. */
  speaksBeside({ samples, rateHz }: ForeignPiece): boolean {
    const { frames, binHz } = spectraOf(samples, rateHz, looked);
    if (frames.length === 0) return false;
    const own = this.#ownOf(frames, binHz, 0);
    const isSpeech = voicedOf({ frames, binHz }, own, 0) >= voicedDb;
    follow(own, frames);
    return isSpeech;
  }

  /** A piece in which the machine stood: what is heard now is not the machine's. */
  standing({ samples, rateHz, toMs }: ForeignPiece): void {
    const hz = toneOf(spectraOf(samples, rateHz, looked), null);
    const before = this.#tones;
    if (hz === null) {
      if (before !== null) this.#tones = { ...before, whileStanding: false };
    } else if (before === null || isNear(hz, before.hz) || toMs - before.lastMs > forgetMs) {
      this.#tones = { leftOutMs: 0, ...before, lastMs: toMs, hz, whileStanding: true };
    }
  }

  #toneWhileRunning(hz: number, { fromMs, toMs }: ForeignPiece): boolean {
    const before = this.#tones !== null && toMs - this.#tones.lastMs <= forgetMs ? this.#tones : null;
    const { leftOutMs, whileStanding } = before ?? { leftOutMs: 0, whileStanding: null };
    const mostMs = whileStanding === null ? unsureMs : whileStanding ? sureMs : 0;
    const isLeftOut = leftOutMs < mostMs;
    this.#tones = { lastMs: toMs, hz, whileStanding, leftOutMs: leftOutMs + (isLeftOut ? toMs - fromMs : 0) };
    return isLeftOut;
  }

  #ownOf(frames: readonly Float32Array[], binHz: number, speed: number): Float32Array {
    // Another rate has other bins.
    if (binHz !== this.#binHz) this.#own.clear();
    this.#binHz = binHz;
    const band = speedBandOf(speed);
    const own = this.#own.get(band) ?? medianOf(frames);
    this.#own.delete(band);
    this.#own.set(band, own);
    for (const oldest of this.#own.keys()) {
      if (this.#own.size <= mostSpeeds) break;
      this.#own.delete(oldest);
    }
    return own;
  }
}

const isNear = (a: number, b: number) => Math.abs(Math.log(a / b)) <= nearShare;

function medianOf(frames: readonly Float32Array[]): Float32Array {
  return Float32Array.from(
    { length: frames[0]?.length ?? 0 },
    (_, k) => frames.map((frame) => frame[k] ?? 0).toSorted((a, b) => a - b)[frames.length >> 1] ?? 0,
  );
}

/** The median follows the frames by steps of one size, whatever a frame is like: a loud word moves it no farther than a quiet one. */
function follow(own: Float32Array, frames: readonly Float32Array[]): void {
  for (const frame of frames) {
    for (let k = 0; k < own.length; k += 1) {
      const off = (frame[k] as number) - (own[k] as number);
      // No branch: half of them go the other way than was guessed.
      own[k] = (own[k] as number) + followDb * (Number(off > 0) - Number(off < 0));
    }
  }
}

/** How far the harmonics of the best voice stand above what lies between them, dB. */
function voicedOf({ frames, binHz }: Spectra, own: Float32Array, shaftHz: number): number {
  const places = placesOf(binHz);
  const isShaft = pitches.map((pitch) => isOfShaft(pitch, shaftHz));
  const combs = frames.map((frame) => combOf(frame, own, places, isShaft));
  const nearest = combs.map((comb) => nearby(comb));
  let best = Number.NEGATIVE_INFINITY;
  // The best way through four frames: to each pitch in the second, on from each in the third, and from one to the other.
  for (let at = 1; at + 2 < combs.length; at += 1) {
    const to = nearby(sumOf(combs[at], nearest[at - 1]));
    best = Math.max(best, mostOf(sumOf(to, sumOf(combs[at + 1], nearest[at + 2]))) / voicedFrames);
  }
  return best;
}

type Comb = Float64Array<ArrayBuffer>;
const noComb: Comb = new Float64Array(pitches.length);

function sumOf(one = noComb, other = noComb): Comb {
  const sum = new Float64Array(one.length);
  for (let c = 0; c < sum.length; c += 1) sum[c] = (one[c] as number) + (other[c] as number);
  return sum;
}

function mostOf(comb: Comb): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < comb.length; c += 1) most = Math.max(most, comb[c] as number);
  return most;
}

/** The best of the pitches a voice can have come from, or go to. */
function nearby(comb: Comb): Comb {
  const most = new Float64Array(comb.length);
  const last = comb.length - 1;
  let two = comb[0] as number;
  let one = two;
  for (let c = 0; c <= last; c += 1) {
    const here = comb[c] as number;
    const up = Math.max(comb[Math.min(last, c + 1)] as number, comb[Math.min(last, c + 2)] as number);
    most[c] = Math.max(here, up, one, two);
    two = one;
    one = here;
  }
  return most;
}

/** Where the harmonics of pitches and the places between them lie in a spectrum. */
interface Places {
  /** Of each pitch, where its places begin; and where the last end. */
  readonly starts: Uint32Array;
  /** Of each place: its bin, and what it counts of that and of the next. */
  readonly bins: Uint32Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** What stands out in these bins; written over with each frame. */
  readonly out: Float64Array;
}

/** By width of a bin: microphones have few rates. */
const allPlaces = new Map<number, Places>();

function placesOf(binHz: number): Places {
  const known = allPlaces.get(binHz);
  if (known !== undefined) return known;
  const places = pitches.map((pitch) => {
    const harmonics = Math.min(mostHarmonics, Math.max(4, Math.floor(harmonicsTopHz / pitch)));
    // What lies between two harmonics counts half for either.
    return Array.from({ length: 2 * harmonics + 1 }, (_, i) => {
      const isBetween = i % 2 === 0;
      const weight = (isBetween ? (i === 0 || i === 2 * harmonics ? -0.5 : -1) : 1) / harmonics;
      const place = ((i + 1) * pitch) / (2 * binHz);
      const bin = Math.floor(place);
      return { bin, low: weight * (1 - place + bin), high: weight * (place - bin) };
    });
  });
  const all = places.flat();
  const bins = Uint32Array.from(all, ({ bin }) => bin);
  const made = {
    starts: Uint32Array.from([0, ...places.map((_, c) => places.slice(0, c + 1).flat().length)]),
    bins,
    low: Float64Array.from(all, ({ low }) => low),
    high: Float64Array.from(all, ({ high }) => high),
    out: new Float64Array(Math.max(...bins) + 2),
  };
  allPlaces.set(binHz, made);
  return made;
}

/** Of each pitch: the mean of its harmonics in what stands out, less that of the places between them. */
function combOf(frame: Float32Array, own: Float32Array, places: Places, isShaft: readonly boolean[]): Comb {
  const { starts, bins, low, high, out } = places;
  for (let k = 0; k < out.length; k += 1) out[k] = Math.min(mostDb, Math.max(0, (frame[k] ?? 0) - (own[k] ?? 0)));
  const comb = new Float64Array(pitches.length);
  for (let c = 0; c < comb.length; c += 1) {
    let sum = isShaft[c] === true ? -mostDb : 0;
    const end = starts[c + 1] as number;
    for (let at = starts[c] as number; at < end; at += 1) {
      const bin = bins[at] as number;
      sum += (low[at] as number) * (out[bin] as number) + (high[at] as number) * (out[bin + 1] as number);
    }
    comb[c] = sum;
  }
  return comb;
}

function isOfShaft(hz: number, shaftHz: number): boolean {
  if (shaftHz < shaftFromHz) return false;
  const halves = (2 * hz) / shaftHz;
  return Math.abs(halves / Math.round(halves) - 1) <= shaftShare;
}

/** The frequency of a strong tone in enough of the frames, Hz; null: there is none. @param own null: nothing is known to be the machine's */
function toneOf({ frames, binHz }: Spectra, own: Float32Array | null): number | null {
  const [from, to] = [Math.round(toneFromHz / binHz), Math.round(toneTopHz / binHz)];
  const found: number[] = [];
  for (const frame of frames) {
    let top = from;
    for (let k = from; k <= to; k += 1) if ((frame[k] ?? -120) > (frame[top] ?? -120)) top = k;
    const level = frame[top] ?? -120;
    if (own !== null && level - (own[top] ?? level) < toneNewDb) continue;
    const near = [...frame.subarray(Math.max(0, top - 20), top - 5), ...frame.subarray(top + 6, top + 21)];
    const around = near.toSorted((a, b) => a - b)[near.length >> 1] ?? level;
    if (level - around < toneDb) continue;
    // A Hann window puts a tone into two bins to either side.
    if (powerOf(frame, top - 2, top + 2) >= tonePowerShare * powerOf(frame, from, to)) found.push(top * binHz);
  }
  if (frames.length === 0 || found.length < toneFrames * frames.length) return null;
  return found.toSorted((a, b) => a - b)[found.length >> 1] ?? null;
}

function powerOf(frame: Float32Array, from: number, to: number): number {
  let power = 0;
  for (let k = from; k <= to; k += 1) power += 10 ** ((frame[k] ?? -120) / 10);
  return power;
}
