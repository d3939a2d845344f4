/**
 * The last seconds of sound of a microphone, numbered from its start. Pure.
 *
 * Invariants (test/unit/drivers/microphone/ring.test.ts):
 *  R1  A window is given whole and as it came, or it is said why not: a gap lies in it, it was overwritten, or it is still to come.
 *  R2  A sample has one number for ever; a gap takes as many numbers as samples are missing.
 *  R3  What is overwritten before it was read is counted.
 *  R4  Memory is that of `seconds`, made at the start, and at most `mostGaps` gaps.
 */
import type { SoundBlock } from './sound.ts';

/** How much is kept where nobody says otherwise. The ear hears windows of up to fifteen seconds. */
export const defaultRingSeconds = 30;
const mostGaps = 1_024;

export interface Gap {
  readonly fromSample: number;
  readonly toSample: number;
  /** One lower-case word group. */
  readonly why: string;
}

export type Window =
  | { readonly kind: 'samples'; readonly samples: Float32Array }
  | { readonly kind: 'gap'; readonly gaps: readonly Gap[] }
  | { readonly kind: 'overwritten'; readonly oldestSample: number }
  | { readonly kind: 'to-come'; readonly endSample: number };

export class SoundRing {
  readonly rateHz: number;
  readonly #size: number;
  readonly #channels: readonly Float32Array[];
  /** Ascending, apart, each with a sample at least that is kept. */
  #gaps: Gap[] = [];
  #end = 0;
  #readTo = 0;
  #dropped = 0;
  #gapSamples = 0;

  constructor(rateHz: number, channels: number, seconds: number = defaultRingSeconds) {
    this.rateHz = rateHz;
    this.#size = Math.max(1, Math.ceil(rateHz * seconds));
    this.#channels = Array.from({ length: channels }, () => new Float32Array(this.#size));
  }

  get channels(): number {
    return this.#channels.length;
  }
  /** Number of the sample that comes next. */
  get endSample(): number {
    return this.#end;
  }
  /** Number of the first that is kept. */
  get oldestSample(): number {
    return Math.max(0, this.#end - this.#size);
  }
  /** Overwritten before they were read. */
  get dropped(): number {
    return this.#dropped;
  }
  /** Numbers that no sample came for, since the start. */
  get gapSamples(): number {
    return this.#gapSamples;
  }

  /** @returns the number of its first sample */
  append(block: SoundBlock): number {
    const from = this.#end;
    const length = block.channels[0]?.length ?? 0;
    for (const [index, kept] of this.#channels.entries()) {
      const samples = block.channels[index];
      if (samples !== undefined) this.#copy(kept, samples, from);
    }
    this.#advance(length);
    for (const hole of block.holes) this.markGap(from + hole.from, from + hole.to, 'no-number');
    return from;
  }

  /** Samples are missing at the end. */
  appendGap(samples: number, why: string): void {
    const from = this.#end;
    this.#advance(samples);
    this.markGap(from, this.#end, why);
  }

  /** What is kept already is not to be trusted. */
  markGap(fromSample: number, toSample: number, why: string): void {
    const to = Math.min(toSample, this.#end);
    if (to <= fromSample) return;
    const before = this.#gaps.filter((gap) => gap.toSample < fromSample);
    const after = this.#gaps.filter((gap) => gap.fromSample > to);
    const touched = this.#gaps.filter((gap) => gap.toSample >= fromSample && gap.fromSample <= to);
    const first = touched[0]?.fromSample ?? fromSample;
    const last = touched.at(-1)?.toSample ?? to;
    const known = touched.reduce((sum, gap) => sum + gap.toSample - gap.fromSample, 0);
    const whole = { fromSample: Math.min(first, fromSample), toSample: Math.max(last, to), why };
    this.#gapSamples += whole.toSample - whole.fromSample - known;
    this.#gaps = [...before, whole, ...after];
    this.#forget();
  }

  /** A window of one channel, [fromSample, toSample). What it gives counts as read, and so does all before it. */
  read(channel: number, fromSample: number, toSample: number): Window {
    const ring = this.#channels[channel];
    if (ring === undefined || !(fromSample >= 0) || !(toSample >= fromSample)) {
      throw new RangeError(`no window ${fromSample} to ${toSample} of channel ${channel}`);
    }
    if (toSample > this.#end) return { kind: 'to-come', endSample: this.#end };
    if (fromSample < this.oldestSample) return { kind: 'overwritten', oldestSample: this.oldestSample };
    this.#readTo = Math.max(this.#readTo, toSample);
    const touches = (gap: Gap) => gap.toSample > fromSample && gap.fromSample < toSample;
    const gaps = toSample > fromSample ? this.#gaps.filter(touches) : [];
    if (gaps.length > 0) return { kind: 'gap', gaps };
    const samples = new Float32Array(toSample - fromSample);
    const at = fromSample % this.#size;
    const first = ring.subarray(at, Math.min(this.#size, at + samples.length));
    samples.set(first);
    samples.set(ring.subarray(0, samples.length - first.length), first.length);
    return { kind: 'samples', samples };
  }

  #copy(kept: Float32Array, samples: Float32Array, from: number): void {
    // Of a block longer than the ring the end is kept.
    const skip = Math.max(0, samples.length - this.#size);
    const last = samples.subarray(skip);
    const at = (from + skip) % this.#size;
    const first = last.subarray(0, this.#size - at);
    kept.set(first, at);
    kept.set(last.subarray(first.length), 0);
  }

  #advance(samples: number): void {
    this.#end += samples;
    const { oldestSample } = this;
    if (oldestSample > this.#readTo) {
      this.#dropped += oldestSample - this.#readTo;
      this.#readTo = oldestSample;
    }
    if ((this.#gaps[0]?.toSample ?? Infinity) <= oldestSample) this.#forget();
  }

  #forget(): void {
    const { oldestSample } = this;
    this.#gaps = this.#gaps.filter((gap) => gap.toSample > oldestSample);
    if (this.#gaps.length <= mostGaps) return;
    // What lies between two gaps is given up rather than one of them forgotten.
    const [first, second, ...rest] = this.#gaps;
    if (first === undefined || second === undefined) return;
    this.#gapSamples += second.fromSample - first.toSample;
    this.#gaps = [{ ...first, toSample: second.toSample }, ...rest];
  }
}
