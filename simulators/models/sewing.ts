/**
 * The body of a sewing machine (lockstitch or overlock) and of the operator in front of it: one pure step function.
 *
 * Invariants (each with a test in `test/unit/simulators/sewing.test.ts`):
 *  W1  Stitches are the integral of the shaft speed: trapezoid of speed over every step, nothing else adds one.
 *  W2  Speed stays within [0, the highest set speed] and changes by at most the ramp in a step.
 *  W3  Stitches, trims, pieces and energy never fall.
 *  W4  Energy is the integral of idle power + bus voltage × motor current.
 *  W5  Halted or stopped by a fault, the shaft comes to rest and stitches stand still; halted, energy stands as well.
 *  W6  A piece ends with a trim, and only then.
 */
import { between, noise, wholeBetween, type Random, type Range } from '../random.ts';

export interface SewingParameters {
  /** Speed the operator sews a burst at, 1/min, drawn per burst. */
  readonly speedRpm: Range;
  /** Servo drives reach full speed in about a third of a second. */
  readonly rampRpmPerS: number;
  readonly burstS: Range;
  readonly handlingS: Range;
  readonly burstsPerPiece: Range;
  /** Stitches a full bobbin (or looper cone) holds; changed by the operator in time, at a quarter left. */
  readonly bobbinStitches: number;
  readonly bobbinStartStitches: number;
  readonly serviceStartStitches: number;
  readonly stitchLengthMm: number;
  readonly tensionCn: number;
  readonly presserForceN: number;
  readonly busVoltageV: number;
  /** Motor current at full speed, A. */
  readonly runCurrentA: number;
  /** Electronics and lamp, W, as long as the machine is on. */
  readonly idlePowerW: number;
  readonly startTempC: number;
  /** Temperature rise over the hall if the machine ran at full speed for ever, K, and its time constant. */
  readonly heatRiseK: number;
  readonly heatTimeS: number;
  /** Share of the oil sump that is filled, %. */
  readonly oilLevel: number;
}

export type SewingStop = 'thread_break' | 'motor_overload' | 'bobbin_empty' | 'needle_break';

/** What acts on the machine from outside in a step. */
export interface SewingInputs {
  readonly stop: SewingStop | null;
  readonly oilLow: boolean;
  /** A fault that only sewing can bring is near: the operator takes up the next burst at once. */
  readonly sewNow: boolean;
  /** The controller restarts in this step: the burst is broken off. */
  readonly restart: boolean;
  readonly halted: boolean;
  readonly hallTempC: number;
}

export interface SewingState {
  readonly phase: 'handling' | 'sewing' | 'slowing' | 'trimming' | 'stopped';
  readonly phaseLeftS: number;
  readonly stop: SewingStop | null;
  /** How long the stop has been there, s. */
  readonly stoppedForS: number;
  readonly oilLow: boolean;
  readonly speedRpm: number;
  /** What the pedal asks for in this burst. */
  readonly speedSetRpm: number;
  /** Since the model began; fractions of a stitch are the angle of the shaft. */
  readonly stitches: number;
  readonly trims: number;
  readonly pieces: number;
  readonly energyWh: number;
  readonly burstsLeft: number;
  readonly pieceStitches: number;
  readonly bobbinLeft: number;
  readonly serviceLeft: number;
  readonly tempC: number;
  readonly currentA: number;
  readonly busVoltageV: number;
  readonly tensionCn: number;
  readonly presserForceN: number;
  readonly vibrationMmS: number;
  readonly oilLevel: number;
  readonly stitchLengthMm: number;
  /** Stitches a full bobbin holds. */
  readonly bobbinFull: number;
  readonly noiseLeftS: number;
  readonly loadNoise: number;
  readonly tensionNoise: number;
  readonly voltageNoise: number;
  readonly tempNoise: number;
  readonly vibrationNoise: number;
}

const trimSpeedRpm = 210;
const trimS = 0.28;
const emergencyRampRpmPerS = 24_000;
/** Sensors of the controller are sampled four times a second. */
const sensorPeriodS = 0.25;
const bobbinChangeAt = 0.25;

export function initialSewing(p: SewingParameters, random: Random): SewingState {
  return {
    phase: 'handling',
    phaseLeftS: between(random, [0.5, 2.5]),
    stop: null,
    stoppedForS: 0,
    oilLow: false,
    speedRpm: 0,
    speedSetRpm: Math.round(between(random, p.speedRpm) / 10) * 10,
    stitches: 0,
    trims: 0,
    pieces: 0,
    energyWh: 0,
    burstsLeft: wholeBetween(random, p.burstsPerPiece),
    pieceStitches: 0,
    bobbinLeft: p.bobbinStartStitches,
    serviceLeft: p.serviceStartStitches,
    tempC: p.startTempC,
    currentA: 0.05,
    busVoltageV: p.busVoltageV,
    tensionCn: p.tensionCn * 0.25,
    presserForceN: 0,
    vibrationMmS: 0.2,
    oilLevel: p.oilLevel,
    stitchLengthMm: p.stitchLengthMm,
    bobbinFull: p.bobbinStitches,
    noiseLeftS: 0,
    loadNoise: 0,
    tensionNoise: 0,
    voltageNoise: 0,
    tempNoise: 0,
    vibrationNoise: 0,
  };
}

interface Motion {
  phase: SewingState['phase'];
  phaseLeftS: number;
  speedSetRpm: number;
  targetRpm: number;
  rampRpmPerS: number;
  trims: number;
  pieces: number;
  burstsLeft: number;
  bobbinLeft: number;
  pieceStitches: number;
}

/** What operator and controller decide before the shaft turns on: the phase and the speed aimed at. */
function decide(p: SewingParameters, s: SewingState, inputs: SewingInputs, dtS: number, random: Random): Motion {
  const m: Motion = {
    phase: s.phase,
    phaseLeftS: s.phaseLeftS - dtS,
    speedSetRpm: s.speedSetRpm,
    targetRpm: 0,
    rampRpmPerS: p.rampRpmPerS,
    trims: s.trims,
    pieces: s.pieces,
    burstsLeft: s.burstsLeft,
    bobbinLeft: s.bobbinLeft,
    pieceStitches: s.pieceStitches,
  };
  if (inputs.stop !== null || inputs.halted || inputs.restart) {
    m.phase = inputs.stop === null ? 'handling' : 'stopped';
    m.phaseLeftS = 1.5;
    m.rampRpmPerS = emergencyRampRpmPerS;
    if (inputs.stop === 'bobbin_empty') m.bobbinLeft = 0;
    return m;
  }
  switch (s.phase) {
    case 'stopped':
      // Cleared: the operator threads up or changes the bobbin and takes the work again.
      m.phase = 'handling';
      m.phaseLeftS = between(random, [0.8, 2]);
      if (s.stop === 'bobbin_empty') m.bobbinLeft = p.bobbinStitches;
      break;
    case 'handling':
      if (m.phaseLeftS <= 0 || inputs.sewNow) {
        m.phase = 'sewing';
        m.phaseLeftS = between(random, p.burstS);
        m.speedSetRpm = Math.round(between(random, p.speedRpm) / 10) * 10;
      }
      break;
    case 'sewing':
      if (m.phaseLeftS <= 0 && !inputs.sewNow) m.phase = 'slowing';
      break;
    case 'slowing':
      if (s.speedRpm <= trimSpeedRpm) {
        m.phase = 'trimming';
        m.phaseLeftS = trimS;
      }
      break;
    case 'trimming':
      if (m.phaseLeftS <= 0) endBurst(p, m, random);
      break;
  }
  if (m.phase === 'sewing') m.targetRpm = Math.min(p.speedRpm[1], m.speedSetRpm * (1 + 0.012 * s.loadNoise));
  else if (m.phase === 'slowing' || m.phase === 'trimming') m.targetRpm = trimSpeedRpm;
  else m.rampRpmPerS = emergencyRampRpmPerS;
  return m;
}

/** The thread is cut: perhaps a piece is done; the next handling begins. */
function endBurst(p: SewingParameters, m: Motion, random: Random): void {
  m.phase = 'handling';
  m.phaseLeftS = between(random, p.handlingS);
  m.trims += 1;
  m.burstsLeft -= 1;
  if (m.burstsLeft <= 0) {
    m.pieces += 1;
    m.burstsLeft = wholeBetween(random, p.burstsPerPiece);
    m.pieceStitches = 0;
  }
  if (m.bobbinLeft < p.bobbinStitches * bobbinChangeAt) {
    m.bobbinLeft = p.bobbinStitches;
    m.phaseLeftS += between(random, [8, 14]);
  }
}

/** One step of `dtS` seconds. Pure: everything random comes through `random`, everything from outside through `inputs`. */
export function stepSewing(
  p: SewingParameters,
  s: SewingState,
  inputs: SewingInputs,
  dtS: number,
  random: Random,
): SewingState {
  const m = decide(p, s, inputs, dtS, random);
  const speedRpm = inputs.halted ? 0 : approach(s.speedRpm, m.targetRpm, m.rampRpmPerS * dtS);
  const turned = inputs.halted ? 0 : ((s.speedRpm + speedRpm) / 2 / 60) * dtS;

  const sense = s.noiseLeftS - dtS <= 1e-9;
  const loadNoise = sense ? noise(random) : s.loadNoise;
  const tensionNoise = sense ? noise(random) : s.tensionNoise;
  const voltageNoise = sense ? noise(random) : s.voltageNoise;
  const tempNoise = sense ? noise(random) : s.tempNoise;
  const vibrationNoise = sense ? noise(random) : s.vibrationNoise;

  const load = speedRpm / p.speedRpm[1];
  const stoppedForS = inputs.stop === null ? 0 : s.stoppedForS + dtS;
  const blocked = inputs.stop === 'motor_overload' && stoppedForS <= 0.3 && !inputs.halted;
  const accelerating = speedRpm > s.speedRpm + 1 ? 1.1 : 0;
  const currentA = blocked
    ? 5.6 + 0.1 * loadNoise
    : speedRpm > 0
      ? p.runCurrentA * (0.25 + 0.75 * load) * (1 + 0.04 * loadNoise) + accelerating
      : 0.05 + 0.008 * loadNoise;
  const busVoltageV = p.busVoltageV - 1.4 * currentA + 0.35 * voltageNoise;
  const powerW = p.idlePowerW + busVoltageV * currentA;
  const sewing = speedRpm > 0 && inputs.stop === null;
  const restTempC = inputs.hallTempC + p.heatRiseK * load;
  return {
    phase: m.phase,
    phaseLeftS: m.phaseLeftS,
    stop: inputs.stop,
    stoppedForS,
    oilLow: inputs.oilLow,
    speedRpm,
    speedSetRpm: m.speedSetRpm,
    stitches: s.stitches + turned,
    trims: m.trims,
    pieces: m.pieces,
    energyWh: inputs.halted ? s.energyWh : s.energyWh + (powerW * dtS) / 3600,
    burstsLeft: m.burstsLeft,
    pieceStitches: m.pieceStitches + turned,
    bobbinLeft: Math.max(0, m.bobbinLeft - turned),
    serviceLeft: Math.max(0, s.serviceLeft - turned),
    tempC: s.tempC + (restTempC - s.tempC) * (1 - Math.exp(-dtS / p.heatTimeS)),
    currentA,
    busVoltageV,
    tensionCn: sewing
      ? p.tensionCn * (1 + 0.05 * tensionNoise)
      : inputs.stop === 'thread_break'
        ? Math.max(0, 1.5 + 0.3 * tensionNoise)
        : p.tensionCn * (0.25 + 0.01 * tensionNoise),
    presserForceN: m.phase === 'handling' ? 0 : Math.max(0, p.presserForceN + (sewing ? 0.9 : 0.2) * voltageNoise),
    vibrationMmS: Math.max(0.02, 0.24 + 3.1 * load + (0.06 + 0.2 * load) * vibrationNoise),
    oilLevel: p.oilLevel,
    stitchLengthMm: p.stitchLengthMm,
    bobbinFull: p.bobbinStitches,
    noiseLeftS: sense ? sensorPeriodS : s.noiseLeftS - dtS,
    loadNoise,
    tensionNoise,
    voltageNoise,
    tempNoise,
    vibrationNoise,
  };
}

/** Moves `from` towards `to` by at most `step`. */
export function approach(from: number, to: number, step: number): number {
  return from < to ? Math.min(to, from + step) : Math.max(to, from - step);
}
