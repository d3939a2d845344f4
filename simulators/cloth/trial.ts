/** A trial: what a gateway would get of some revolutions of a tube before a camera, and apart from that the truth. */

export const trialPositions = ['index', 'encoder', 'telemetry'] as const;
export type TrialPosition = (typeof trialPositions)[number];

export interface TrialPlan {
  readonly diameterInch: number;
  readonly gauge: number;
  readonly feeders: number;
  readonly coursesPerCm: number;
  readonly rpm: number;
  /** Share by which the speed swings about `rpm`. */
  readonly ripple: number;
  /** How long a trial is, and after how many revolutions of it the line begins. */
  readonly revolutions: number;
  readonly lineFrom: readonly [from: number, to: number];
  readonly fps: number;
  readonly widthPx: number;
  /** Of the cloth in a frame; a multiple of 8, as the margin is, so that frames in one JPEG do not run into each other. */
  readonly rowsPx: number;
  readonly pxPerMm: number;
  /** Reflectance of the yarn; how uneven yarn and needles are (1: in good order); how far the camera shakes, mm. */
  readonly tone: number;
  readonly unevenness: number;
  readonly shakeMm: number;
  readonly strength: readonly [from: number, to: number];
  readonly skewPpm: number;
  readonly jitterMs: number;
  readonly latencyMs: readonly [from: number, to: number];
  readonly countsPerRevolution: number;
  /** How often the machine's own interface is polled, and how old what it says may be, ms. */
  readonly telemetryMs: number;
}

/** A frame as it comes in: the exposure by the camera's clock, the arrival by the gateway's, with an encoder its count. */
export interface TrialFrame {
  readonly capturedMs: number;
  readonly receivedMs: number;
  readonly count?: number;
}
/** What the machine answered to a poll: whole revolutions since the roll was begun, and the speed. */
export interface TrialPoll {
  readonly receivedMs: number;
  readonly revolutions: number;
  readonly speedRpm: number;
}

/** All that the gateway gets: nothing in it says which needle is worn. */
export interface TrialInput {
  readonly id: string;
  readonly position: TrialPosition;
  readonly simulated: true;
  readonly generator: string;
  readonly machine: {
    readonly needles: number;
    readonly feeders: number;
    readonly coursesPerCm: number;
    readonly walePitchMm: number;
    readonly advanceMm: number;
    readonly direction: 1 | -1;
  };
  readonly camera: {
    readonly widthPx: number;
    readonly heightPx: number;
    /** Rows of a frame that show the ring, above the cloth. */
    readonly marginPx: number;
    readonly pxPerMm: number;
    readonly fps: number;
    readonly countsPerRevolution?: number;
  };
  /**
   * What a calibration found: the needle in the middle column when the mark is there (index), when the count is a multiple of
   * `countsPerRevolution` (encoder) or when the count of revolutions steps on (telemetry); a whole number, so half a needle off at most.
   */
  readonly calibration: { readonly zeroNeedle: number };
  readonly frames: readonly TrialFrame[];
  readonly telemetry: readonly TrialPoll[];
}

/** A hole of a roll: the metre of its middle, and every frame that shows all of it. */
export interface HoleTruth {
  readonly needle: number;
  readonly mm: number;
  readonly radiusMm: number;
  readonly frames: readonly number[];
}

export interface TrialTruth {
  readonly id: string;
  readonly position: TrialPosition;
  readonly needles: number;
  readonly rpm: number;
  /** null: nothing is wrong with this cloth. */
  readonly truthNeedle: number | null;
  readonly strength: number | null;
  /** Where the line begins: revolutions since the roll was begun, and metres on it in mm. */
  readonly fromRevolutions: number | null;
  readonly fromMm: number | null;
  /** The first frame that shows the line; frames count from 0. */
  readonly firstFrame: number | null;
  /** Every frame that shows it: the column of its wale's middle, and the metre of the frame's middle row of cloth, mm. */
  readonly passes: readonly {
    readonly frame: number;
    readonly xPx: number;
    readonly revolutions: number;
    readonly mm: number;
  }[];
  /** Frames that show it in fewer rows: its beginning is in them. */
  readonly partly: readonly number[];
  readonly revolutions: { readonly from: number; readonly to: number };
  readonly clothMm: number;
  /** Metre of the roll, mm, at which what the gateway counts stands at 0: the first mark in the middle, the count 0, revolution 0. */
  readonly zeroMm: number;
  /** Of a roll alone. */
  readonly holes?: readonly HoleTruth[];
}

export interface Trial {
  readonly input: TrialInput;
  readonly truth: TrialTruth;
  /** Draws a frame into `pixels` (widthPx × rowsPx). */
  draw(frame: number, pixels: Uint8Array): void;
}
