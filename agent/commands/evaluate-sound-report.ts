/** What `selvedge evaluate voiceprint --simulated` reports. Pure. */
import { faultClasses, type FaultClass } from '../../models/voiceprint/fault-classes.ts';
import { mean, auroc } from '../../models/statistics/metrics.ts';
import type { Verdict } from './evaluate-sound-judge.ts';

export interface JudgedClip extends Verdict {
  readonly snrDb: number;
  readonly machine: string;
  readonly kind: 'sewing' | 'knitting';
  /** null: healthy. */
  readonly fault: string | null;
  /** As the field numbers it: F1 … */
  readonly code: string | null;
  readonly severity: number | null;
  readonly trims: boolean;
}

export interface NamedNeedle {
  readonly position: 'index' | 'telemetry';
  readonly snrDb: number;
  readonly truth: number;
  /** The one, where there is no doubt which; null where there are several or none. */
  readonly named: number | null;
  readonly candidates: readonly number[];
  readonly k: number | null;
  readonly revolutions: number;
  readonly severity: number;
  readonly needles: number;
}

/** What a gateway made of a healthy week. */
export interface HeardWeek {
  readonly machineDays: number;
  readonly falseAlarms: number;
  /** Samples. */
  readonly judged: number;
  /** Half seconds of steady running, and how many of them were left out for what was heard beside the machine. */
  readonly pieces: number;
  readonly leftOut: number;
  /** Weighed; heard in another hall than was taught, and left; of the false alarms those that began by them. */
  readonly rounds: number;
  readonly roundsOtherHall: number;
  readonly roundFalseAlarms: number;
}

export interface Weeks {
  readonly machineDays: number;
  /** Occurrences that would have been told, by levels or by rounds. */
  readonly falseAlarms: number;
  /** Of both branches, a minute apart: weighed, left for their hall, and how many of the false alarms began by them. */
  readonly rounds: { readonly judged: number; readonly otherHall: number; readonly falseAlarms: number };
  readonly clips: number;
  /** Of what ran steadily; null where nothing did. */
  readonly judgedShare: number | null;
}

export function weekFigures(weeks: readonly HeardWeek[]): Weeks {
  const sum = (of: (week: HeardWeek) => number) => weeks.reduce((all, week) => all + of(week), 0);
  const pieces = sum((week) => week.pieces);
  return {
    machineDays: sum(({ machineDays }) => machineDays),
    falseAlarms: sum(({ falseAlarms }) => falseAlarms),
    rounds: {
      judged: sum(({ rounds }) => rounds),
      otherHall: sum(({ roundsOtherHall }) => roundsOtherHall),
      falseAlarms: sum(({ roundFalseAlarms }) => roundFalseAlarms),
    },
    clips: sum(({ judged }) => judged),
    judgedShare: pieces === 0 ? null : rounded(1 - sum(({ leftOut }) => leftOut) / pieces),
  };
}

const isNamed = (fault: string): fault is FaultClass =>
  [...faultClasses.sewing, ...faultClasses.knitting].some((name) => name === fault);

const rounded = (value: number) => Math.round(value * 1e4) / 1e4;

export interface FaultFigures {
  readonly fault: string;
  readonly name: string;
  readonly snrDb: number;
  /** Of both branches together: all clips with it against all healthy ones of the machines that were heard with it. */
  readonly auc: number;
  /** Share of its clips whose likeliest fault is it; null where no class is it. */
  readonly top1: number | null;
  readonly clips: number;
  readonly healthy: number;
  readonly machines: number;
  /** By levels alone, by orders alone, and by the classical way. */
  readonly aucLevels: number;
  readonly aucOrders: number;
  readonly baseline: { readonly auc: number };
}

export function faultFigures(judged: readonly JudgedClip[]): FaultFigures[] {
  const groups = new Map<string, JudgedClip[]>();
  for (const clip of judged) {
    if (clip.fault === null) continue;
    const key = `${clip.fault} ${clip.snrDb}`;
    groups.set(key, [...(groups.get(key) ?? []), clip]);
  }
  const figures = [...groups.values()].flatMap((clips) => {
    const [first] = clips;
    if (first === undefined || first.fault === null) return [];
    const { fault, code, snrDb, trims } = first;
    const machines = new Set(clips.map(({ machine }) => machine));
    const healthy = judged.filter(
      (one) => one.fault === null && one.snrDb === snrDb && one.trims === trims && machines.has(one.machine),
    );
    const aucOf = (score: (clip: JudgedClip) => number) => rounded(auroc(clips.map(score), healthy.map(score)));
    return [
      {
        fault: code ?? fault,
        name: fault,
        snrDb,
        auc: aucOf(({ both }) => both),
        top1: isNamed(fault) ? rounded(mean(clips.map(({ suspected }) => (suspected === fault ? 1 : 0)))) : null,
        clips: clips.length,
        healthy: healthy.length,
        machines: machines.size,
        aucLevels: aucOf(({ levels }) => levels),
        aucOrders: aucOf(({ orders }) => orders),
        baseline: { auc: aucOf(({ plain }) => plain) },
      },
    ];
  });
  return figures.toSorted((a, b) => a.snrDb - b.snrDb || a.fault.localeCompare(b.fault));
}

/** How far a candidate is from the truth, around the cylinder. */
const apart = (a: number, b: number, needles: number) => {
  const difference = Math.abs(a - b) % needles;
  return Math.min(difference, needles - difference);
};

export interface NeedleFigures {
  readonly position: string;
  readonly trials: number;
  readonly told: number;
  readonly within: number;
  readonly mostCandidates: number;
  readonly mostK: number | null;
}

/** By position: how many were told, and of those how many have the truth within k of a candidate. */
export function needleFigures(needles: readonly NamedNeedle[]): NeedleFigures[] {
  return [...new Set(needles.map(({ position }) => position))].map((position) => {
    const all = needles.filter((one) => one.position === position);
    const told = all.filter(({ candidates }) => candidates.length > 0);
    const within = told.filter((one) =>
      one.candidates.some((needle) => apart(needle, one.truth, one.needles) <= (one.k ?? 0)),
    );
    return {
      position,
      trials: all.length,
      told: told.length,
      within: within.length,
      mostCandidates: Math.max(0, ...all.map(({ candidates }) => candidates.length)),
      mostK: told.length === 0 ? null : Math.max(...told.map(({ k }) => k ?? 0)),
    };
  });
}

export interface SoundReport {
  readonly faults: readonly FaultFigures[];
  readonly needles: readonly NamedNeedle[];
  readonly needleFigures: readonly NeedleFigures[];
  readonly healthy: Weeks;
  readonly generator: 'a' | 'b';
  readonly seed: number;
  readonly simulated: true;
}

/** What a person reads. */
export function soundTable({ faults, needleFigures: figures, healthy, generator }: SoundReport): string {
  const share = (value: number | null) => (value === null ? '–' : value.toFixed(3));
  const lines = [
    `Simulated machines, generator ${generator}.`,
    'fault  dB   AUC    levels orders classical  top-1  clips',
    ...faults.map((one) =>
      [
        one.fault.padEnd(6),
        String(one.snrDb).padEnd(4),
        share(one.auc),
        ` ${share(one.aucLevels)}`,
        ` ${share(one.aucOrders)}`,
        ` ${share(one.baseline.auc)}    `,
        share(one.top1),
        `  ${one.clips} of ${one.machines} machines`,
      ].join(' '),
    ),
    ...figures.map(
      (one) =>
        `needles by ${one.position}: ${one.told} of ${one.trials} told, ${one.within} within k of one of at most ${one.mostCandidates} candidates`,
    ),
    `healthy: ${healthy.falseAlarms} false alarms in ${healthy.machineDays.toFixed(2)} machine days (${healthy.clips} samples, ${share(healthy.judgedShare)} of steady running judged)`,
    `of them by rounds: ${healthy.rounds.falseAlarms}, in ${healthy.rounds.judged} rounds (${healthy.rounds.otherHall} more were heard in another hall, and left)`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
