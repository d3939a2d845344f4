/** What `selvedge evaluate voiceprint` tells, as JSON and as a table. Pure. */
import { mean } from '../../models/statistics/metrics.ts';

/** null where there is nothing to make a figure of; `reason` says what is missing. */
export interface MachineFigures {
  readonly machine: string;
  readonly auc: number | null;
  /** Over the draws. */
  readonly aucSd: number | null;
  readonly pauc: number | null;
  readonly product: { readonly detection: number | null; readonly falseAlarm: number | null };
  /** The plain way on the same clips. */
  readonly baseline: { readonly auc: number | null; readonly pauc: number | null };
  /** Of all its clips. */
  readonly windows: number;
  readonly normal: number;
  readonly abnormal: number;
  readonly reason: string | null;
}

export interface Measured {
  readonly machines: readonly MachineFigures[];
  /** Milliseconds a second of sound. */
  readonly times: readonly number[];
  readonly enrolled: number;
  readonly seeds: number;
  readonly refused: readonly { readonly machine: string; readonly file: string; readonly reason: string }[];
}

export interface Report extends Pick<Measured, 'machines' | 'seeds' | 'refused'> {
  readonly macro: Pick<MachineFigures, 'auc' | 'pauc' | 'product' | 'baseline'>;
  readonly msPerSecondAudio: { readonly p50: number | null; readonly p95: number | null };
  readonly enrol: number;
  readonly simulated: false;
}

export function reportOf({ machines, times, enrolled, seeds, refused }: Measured): Report {
  return {
    machines,
    macro: {
      auc: meanOf(machines.map(({ auc }) => auc)),
      pauc: meanOf(machines.map(({ pauc }) => pauc)),
      product: {
        detection: meanOf(machines.map(({ product }) => product.detection)),
        falseAlarm: meanOf(machines.map(({ product }) => product.falseAlarm)),
      },
      baseline: {
        auc: meanOf(machines.map(({ baseline }) => baseline.auc)),
        pauc: meanOf(machines.map(({ baseline }) => baseline.pauc)),
      },
    },
    msPerSecondAudio: { p50: quantile(times, 0.5), p95: quantile(times, 0.95) },
    enrol: enrolled,
    seeds,
    refused,
    simulated: false,
  };
}

/** Over those that have one; null where none has. */
function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : mean(there);
}

/** Nearest rank. */
function quantile(values: readonly number[], share: number): number | null {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? null;
}

const figure = (value: number | null, digits = 3) => (value === null ? '–' : value.toFixed(digits));

export function tableOf({ machines, macro, msPerSecondAudio, enrol, seeds }: Report): string {
  const width = Math.max(10, ...machines.map(({ machine }) => machine.length));
  const cells = (name: string, one: Report['macro'], end: string) =>
    [
      name.padEnd(width),
      ...[one.auc, one.pauc, one.product.detection, one.product.falseAlarm, one.baseline.auc, one.baseline.pauc].map(
        (value) => figure(value).padStart(11),
      ),
      end,
    ].join(' ');
  const { p50, p95 } = msPerSecondAudio;
  return [
    `${'machine'.padEnd(width)}         AUC        pAUC  detection false alarm   plain AUC  plain pAUC  clips normal, abnormal`,
    ...machines.map((one) => cells(one.machine, one, `  ${one.normal}, ${one.abnormal}`)),
    cells('mean', macro, ''),
    `${enrol} clips enrolled, ${seeds} draws; ${figure(p50, 2)} ms a second of sound (p95 ${figure(p95, 2)})`,
    '',
  ].join('\n');
}
