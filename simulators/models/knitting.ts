/**
 * The body of a circular knitting machine: one pure step function and the arithmetic of the cylinder.
 *
 * Invariants (each with a test in `test/unit/simulators/knitting.test.ts`):
 *  K1  Revolutions are the integral of the cylinder speed; courses and fabric length follow from them by the gauge data alone.
 *  K2  Speed stays within [0, set speed] and changes by at most the ramp in a step.
 *  K3  Revolutions, rolls and energy never fall; energy is the integral of the drive power.
 *  K4  Halted or stopped, the cylinder comes to rest and revolutions stand still; halted, energy stands as well.
 */
import { between, noise, type Random } from '../random.ts';
import { approach } from './sewing.ts';

export interface KnittingParameters {
  /** Cylinder diameter in inches and needles per inch (E), as machines are named in the trade. */
  readonly diameterInch: number;
  readonly gauge: number;
  readonly feeders: number;
  readonly coursesPerCm: number;
  readonly speedRpm: number;
  readonly rampRpmPerS: number;
  readonly brakeRpmPerS: number;
  readonly revolutionsPerRoll: number;
  readonly rollStartRevolutions: number;
  readonly doffS: number;
  readonly yarnTensionCn: number;
  readonly idlePowerW: number;
  readonly runPowerW: number;
  readonly startTempC: number;
  readonly heatRiseK: number;
  readonly heatTimeS: number;
  readonly oilLevel: number;
}

export type KnittingStop = 'yarn_break' | 'needle_fault' | 'oil_low';

export interface KnittingInputs {
  readonly stop: KnittingStop | null;
  /** The controller restarts in this step. */
  readonly restart: boolean;
  readonly halted: boolean;
  readonly hallTempC: number;
}

export interface KnittingState {
  /** `doffing`: stopped by hand to take the full roll off. */
  readonly phase: 'knitting' | 'doffing' | 'stopped' | 'halted';
  readonly phaseLeftS: number;
  readonly stop: KnittingStop | null;
  readonly speedRpm: number;
  /** Since the model began; the fraction is the angle of the cylinder. */
  readonly revolutions: number;
  readonly rollRevolutions: number;
  readonly rolls: number;
  readonly energyWh: number;
  readonly powerW: number;
  readonly yarnTensionCn: number;
  readonly camTempC: number;
  readonly oilLevel: number;
  readonly noiseLeftS: number;
  readonly powerNoise: number;
  readonly tensionNoise: number;
  readonly tempNoise: number;
}

const sensorPeriodS = 0.25;
/** Lubricators use a few per cent of the tank an hour; the tank is filled up long before it warns. */
const oilPerS = 2 / 3600;
const oilRefillAt = 40;

export function initialKnitting(p: KnittingParameters): KnittingState {
  return {
    phase: 'knitting',
    phaseLeftS: 0,
    stop: null,
    speedRpm: p.speedRpm,
    revolutions: 0,
    rollRevolutions: p.rollStartRevolutions,
    rolls: 0,
    energyWh: 0,
    powerW: p.idlePowerW + p.runPowerW,
    yarnTensionCn: p.yarnTensionCn,
    camTempC: p.startTempC,
    oilLevel: p.oilLevel,
    noiseLeftS: 0,
    powerNoise: 0,
    tensionNoise: 0,
    tempNoise: 0,
  };
}

/** Fabric made since the model began, mm. */
export function fabricLengthMm(p: KnittingParameters, s: KnittingState): number {
  return (s.revolutions * p.feeders * 10) / p.coursesPerCm;
}

/** One step of `dtS` seconds, pure. */
export function stepKnitting(
  p: KnittingParameters,
  s: KnittingState,
  inputs: KnittingInputs,
  dtS: number,
  random: Random,
): KnittingState {
  let phase = s.phase;
  let phaseLeftS = s.phaseLeftS - dtS;
  let rollRevolutions = s.rollRevolutions;
  let rolls = s.rolls;
  if (inputs.halted) phase = 'halted';
  else if (inputs.stop !== null) phase = 'stopped';
  else if (inputs.restart) {
    phase = 'doffing';
    phaseLeftS = 1;
  } else if (phase === 'stopped' || phase === 'halted') phase = 'knitting';
  else if (phase === 'knitting' && rollRevolutions >= p.revolutionsPerRoll) {
    phase = 'doffing';
    phaseLeftS = p.doffS * between(random, [0.9, 1.1]);
    rolls += 1;
    rollRevolutions -= p.revolutionsPerRoll;
  } else if (phase === 'doffing' && phaseLeftS <= 0) phase = 'knitting';

  const targetRpm = phase === 'knitting' ? p.speedRpm : 0;
  const rampRpmPerS = targetRpm > 0 ? p.rampRpmPerS : p.brakeRpmPerS;
  const speedRpm = inputs.halted ? 0 : approach(s.speedRpm, targetRpm, rampRpmPerS * dtS);
  const turned = inputs.halted ? 0 : ((s.speedRpm + speedRpm) / 2 / 60) * dtS;

  const sense = s.noiseLeftS - dtS <= 1e-9;
  const powerNoise = sense ? noise(random) : s.powerNoise;
  const tensionNoise = sense ? noise(random) : s.tensionNoise;
  const tempNoise = sense ? noise(random) : s.tempNoise;

  const share = speedRpm / p.speedRpm;
  const powerW = Math.max(0, p.idlePowerW + 4 * powerNoise + p.runPowerW * share * (1 + 0.012 * powerNoise));
  const used = s.oilLevel - oilPerS * dtS * share;
  const restTempC = inputs.hallTempC + p.heatRiseK * share;
  return {
    phase,
    phaseLeftS,
    stop: inputs.stop,
    speedRpm,
    revolutions: s.revolutions + turned,
    rollRevolutions: rollRevolutions + turned,
    rolls,
    energyWh: inputs.halted ? s.energyWh : s.energyWh + (powerW * dtS) / 3600,
    powerW,
    yarnTensionCn: Math.max(
      0,
      phase === 'stopped' && inputs.stop === 'yarn_break'
        ? 0.2 + 0.05 * tensionNoise
        : p.yarnTensionCn * (0.82 + 0.18 * share) + 0.08 * tensionNoise,
    ),
    camTempC: s.camTempC + (restTempC - s.camTempC) * (1 - Math.exp(-dtS / p.heatTimeS)),
    oilLevel: used < oilRefillAt ? p.oilLevel : used,
    noiseLeftS: sense ? sensorPeriodS : s.noiseLeftS - dtS,
    powerNoise,
    tensionNoise,
    tempNoise,
  };
}
