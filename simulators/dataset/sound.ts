/**
 * A clip of machine sound as a generator hands it over, what it is asked for, and what is true of it. The same words are understood by
 * both generators, so that what listens need not care which of them made a clip.
 */

interface Severe {
  /** 0 is healthy, 1 as bad as a machine still runs with. */
  readonly severity: number;
}

/** F1–F9 in their order. */
export type SewingFault =
  | (Severe & { readonly kind: 'bluntNeedle' })
  | (Severe & { readonly kind: 'bentNeedle' })
  | (Severe & { readonly kind: 'dryHook' })
  | (Severe & { readonly kind: 'looseBearing' })
  | (Severe & { readonly kind: 'slippingBelt' })
  | (Severe & { readonly kind: 'feedDogStrike' })
  | (Severe & { readonly kind: 'threadBreak'; readonly atS: number })
  | (Severe & { readonly kind: 'trimmer'; readonly manner: 'loud' | 'missing' })
  | (Severe & { readonly kind: 'looseCover' });

export type KnittingFault =
  | (Severe & { readonly kind: 'badNeedle'; readonly needle: number })
  | (Severe & { readonly kind: 'badFeeder'; readonly feeder: number })
  | (Severe & { readonly kind: 'lackOfOil' });

export type SoundFault = SewingFault | KnittingFault;

/** F1 to F9 are the codes of domain.md §7.1; §7.2 has none, so K1 to K3 are the simulators'. */
export const faultCodes = {
  bluntNeedle: 'F1',
  bentNeedle: 'F2',
  dryHook: 'F3',
  looseBearing: 'F4',
  slippingBelt: 'F5',
  feedDogStrike: 'F6',
  threadBreak: 'F7',
  trimmer: 'F8',
  looseCover: 'F9',
  badNeedle: 'K1',
  badFeeder: 'K2',
  lackOfOil: 'K3',
} as const satisfies Record<SoundFault['kind'], string>;

/** A part of a clip. A clip that begins with a run begins at speed; put a stop before to hear it start. */
export type Segment =
  /** `speed` in stitches or revolutions a minute. */
  | { readonly kind: 'run'; readonly durationS: number; readonly speed: number }
  | { readonly kind: 'stop'; readonly durationS: number }
  /** One slow turn to the needle's place, the trimmer's blow in its middle, then rest. Sewing only; a stop elsewhere. */
  | { readonly kind: 'trim'; readonly durationS: number };

/** The truth of the shaft. */
export interface Motion {
  readonly rateHz: number;
  /** Angle of the shaft at every sample, turns since the clip began. */
  readonly turns: Float64Array;
  /** Speed at every sample as a share of the nominal. */
  readonly drive: Float32Array;
  /** Samples at which the shaft starts, stops, and the trimmer strikes. */
  readonly starts: readonly number[];
  readonly stops: readonly number[];
  readonly trims: readonly number[];
}

/** One answer of the machine to a poll, as the agent got it. */
export interface Reading {
  /** By the agent's clock, s since the clip began. */
  readonly atS: number;
  /** Stitches or revolutions a minute. */
  readonly speed: number;
  /** Whole stitches or revolutions since the clip began. */
  readonly count: number;
  readonly temperatureC: number;
  readonly loadShare: number;
}

/** What a converter does to sound. */
export interface Converter {
  /** Before it, as a factor; clips are made where it drives the sound past full scale. */
  readonly gain: number;
  readonly clip: boolean;
  readonly sixteenBit: boolean;
}

/** What is done with a machine during a clip. */
export interface Doing {
  /** Of the clip: what chance does in it. */
  readonly seed: number;
  readonly segments: readonly Segment[];
  readonly faults: readonly SoundFault[];
  /** 0 is no cloth, 1 as many and as dense plies as it takes. */
  readonly load: number;
  readonly temperatureC: number;
}

/** What a clip brings beside the sound of the machine. */
export interface Channels {
  /** Whether there is a second channel with the index pulse, and how well it is timed. */
  readonly pulse?: { readonly jitterS: number };
  readonly polling?: Partial<{
    readonly intervalS: number;
    readonly latencyS: readonly [number, number];
    readonly skewPpm: number;
  }>;
  /** Without it nothing is clipped or quantised. */
  readonly converter?: Converter;
}

/** What is asked of a machine in its place. */
export interface Asked extends Doing, Channels {
  /**
   * How loud the machine is beside everything else, dB: the root mean square of its own sound, with its faults, in its room and through
   * the microphone, while its shaft turns, over the root mean square of the hall with its bangs through the same microphone over the whole
   * clip. The microphone's own noise is in neither. Of a clip that never turns, the machine counts over the whole clip. null: no hall.
   */
  readonly snrDb: number | null;
}

/** What is true of a clip. */
export interface ClipTruth {
  readonly simulated: true;
  readonly generator: 'a' | 'b';
  readonly kind: 'sewing' | 'knitting';
  readonly machineSeed: number;
  readonly clipSeed: number;
  readonly faults: readonly SoundFault[];
  readonly snrDb: number | null;
  readonly skewPpm: number;
  readonly temperatureC: number;
  /** Knitting: what an ear cannot know without a calibration. */
  readonly position: Position | null;
}

/** Where the needles of a circular machine and its microphone are (docs/SIMULATED-SOUND.md, "Where a needle is"). */
export interface Position {
  readonly needles: number;
  readonly direction: 1 | -1;
  readonly indexNeedle: number;
  readonly microphoneTurns: number;
}

export interface Clip {
  readonly samples: Float32Array;
  readonly rateHz: number;
  /** The truth of the shaft: its angle at every sample. */
  readonly shaft: Motion;
  readonly pulse: Float32Array | null;
  readonly telemetry: readonly Reading[];
  readonly truth: ClipTruth;
}

/** What else is in the hall. */
export interface HallTraits {
  readonly neighbours: 'sewing' | 'knitting';
  readonly machines: number;
  /** People who murmur; 0 for none. */
  readonly voices: number;
  /** Bangs a minute. */
  readonly bangsPerMinute: number;
}

/** A machine in its place, ready to be heard. */
export interface HeardMachine {
  readonly generator: 'a' | 'b';
  readonly kind: 'sewing' | 'knitting';
  readonly seed: number;
  readonly rateHz: number;
  readonly nominalPerMinute: number;
  /** Sewing: whether it is driven by a belt; false of knitting. */
  readonly belt: boolean;
  /** What the nameplate of a circular machine says, and where its needles are; null of sewing. */
  readonly cylinder: (Position & { readonly feeders: number }) | null;
  /** @throws SimulatorError `soundImpossible` */
  readonly record: (asked: Asked) => Clip;
}

/** Where a machine stands: its seed, and the hall around it. */
export interface Site {
  readonly kind: 'sewing' | 'knitting';
  readonly seed: number;
  readonly rateHz: number;
  /** null: it stands alone, and no clip may ask for a signal-to-noise ratio. */
  readonly hall: (HallTraits & { readonly seed: number }) | null;
}

/** A generator of sound: the machine of a site. The same site gives the same machine. */
export type SoundGenerator = (site: Site) => HeardMachine;
