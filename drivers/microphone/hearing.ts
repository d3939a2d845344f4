/**
 * Samples of a microphone that arrive → numbered in the ring, timed, measured, with their pulses. One form of sound has one of these.
 *
 * Invariants (test/unit/drivers/microphone/hearing.test.ts):
 *  - What is missing takes as many numbers as samples are missing, by the clock where nobody says how many, and is told.
 *  - No pulse and no measure is made across what is missing.
 */
import { SoundMeter, type SoundMeasure } from './measure.ts';
import { PulseDetector } from './pulse.ts';
import { RateCheck } from './rate-check.ts';
import { SoundRing, type Gap } from './ring.ts';
import { SampleClock } from './sample-clock.ts';
import { microphoneLimits, type SoundBlock } from './sound.ts';

export interface HearingOptions {
  readonly rateHz: number;
  readonly channels: number;
  readonly ringSeconds?: number;
  /** The second channel carries the pulse. */
  readonly hasPulse: boolean;
  /** Files are as fast as they are played. */
  readonly isRateChecked: boolean;
}

export interface HearingSink {
  readonly onSecond: (measure: SoundMeasure) => void;
  readonly onGap: (gap: Gap) => void;
  readonly onPulse: (atSample: number) => void;
}

/** A gap of unknown length takes no more than a day: numbers stay those of a clock, not of a computer that slept. */
const longestGapS = 86_400;

export class Hearing {
  readonly rateHz: number;
  /** That the stream has; the ring keeps fewer. */
  readonly channels: number;
  readonly ring: SoundRing;
  readonly clock: SampleClock;
  readonly #sink: HearingSink;
  readonly #options: HearingOptions;
  readonly #pulse: PulseDetector | null;
  #meter: SoundMeter;
  #rate: RateCheck;
  /** Why sound is missing before what comes next, where nobody knows how much. */
  #unknown: string | null = null;

  constructor(options: HearingOptions, sink: HearingSink) {
    const { rateHz, channels, hasPulse, ringSeconds } = options;
    this.rateHz = rateHz;
    this.channels = channels;
    this.#options = options;
    this.#sink = sink;
    this.ring = new SoundRing(rateHz, Math.min(channels, microphoneLimits.keptChannels), ringSeconds);
    this.clock = new SampleClock(rateHz);
    this.#meter = new SoundMeter(rateHz);
    this.#rate = new RateCheck(rateHz);
    this.#pulse = hasPulse && channels > 1 ? new PulseDetector({ rateHz }) : null;
  }

  /** @returns how many samples a second come, where that is not what was said; else null */
  sound(came: SoundBlock, atMs: number): number | null {
    const block = withFewHoles(came);
    const length = block.channels[0]?.length ?? 0;
    if (length === 0) return null;
    if (this.#unknown !== null) this.#closeUnknown(this.#unknown, length, atMs);
    const from = this.ring.append(block);
    for (const hole of block.holes) {
      this.#sink.onGap({ fromSample: from + hole.from, toSample: from + hole.to, why: 'no-number' });
    }
    for (const measure of this.#meter.push(block)) this.#sink.onSecond(measure);
    const second = block.channels[1];
    if (this.#pulse !== null && second !== undefined) {
      for (const pulse of this.#pulse.push(second)) this.#sink.onPulse(pulse);
    }
    const jump = this.clock.arrived(this.ring.endSample, atMs);
    if (jump !== null) {
      // Somewhere in here they are missing: none of it is to be trusted.
      this.ring.markGap(jump.fromSample, this.ring.endSample, 'samples-missing');
      this.ring.appendGap(jump.missing, 'samples-missing');
      this.#told({ fromSample: jump.fromSample, toSample: this.ring.endSample, why: 'samples-missing' });
    }
    return this.#options.isRateChecked ? this.#rate.arrived(length, atMs) : null;
  }

  /** @param samples null where nobody knows how many are missing: as many as the clock says when the next come */
  gap(samples: number | null, why: string, atMs: number): void {
    if (samples === null) {
      if (this.ring.endSample > 0) this.#unknown ??= why;
      return;
    }
    if (samples <= 0) return;
    const from = this.ring.endSample;
    this.ring.appendGap(samples, why);
    this.#told({ fromSample: from, toSample: from + samples, why });
    if (this.#options.isRateChecked) this.#rate.arrived(samples, atMs);
  }

  #closeUnknown(why: string, length: number, atMs: number): void {
    this.#unknown = null;
    const from = this.ring.endSample;
    const behind = this.clock.isKnown ? Math.round(this.clock.sampleAt(atMs)) - length - from : 1;
    const missing = Math.min(Math.max(1, behind), longestGapS * this.rateHz);
    this.ring.appendGap(missing, why);
    this.clock.restart();
    this.#rate = new RateCheck(this.rateHz);
    this.#told({ fromSample: from, toSample: from + missing, why });
  }

  #told(gap: Gap): void {
    this.#meter = new SoundMeter(this.rateHz);
    this.#pulse?.skipTo(gap.toSample);
    this.#sink.onGap(gap);
  }
}

/** Every other sample of a stream may be none: a block that has more holes than a few is one from the first to the last. */
const mostHoles = 4;

function withFewHoles(block: SoundBlock): SoundBlock {
  const [first, last] = [block.holes[0], block.holes.at(-1)];
  if (block.holes.length <= mostHoles || first === undefined || last === undefined) return block;
  return { ...block, holes: [{ from: first.from, to: last.to }] };
}
