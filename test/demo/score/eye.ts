/** What the eye told of the worn needle, against the truth: its number, its place on the roll, and a picture of it. */
import type { EyeRow, FabricAlert, PlannedFault, TruthLine } from './report.ts';

/**
 * How far the metre may be off: the needle comes by once a revolution (53 mm of cloth), the camera shows 51 mm at a time, and the eye says
 * of itself that it is unsure by some 20 mm.
 */
const metreLimitM = 0.15;

export interface EyeInput {
  readonly planned: readonly PlannedFault[];
  readonly truth: readonly TruthLine[];
  readonly alerts: readonly FabricAlert[];
  /** Needles of the cylinder of a machine; null where it has none. */
  readonly needles: (machine: string) => number | null;
  /** Bytes of a kept picture whose content has this hash; null where there is none. */
  readonly cropBytes: (sha256: string) => number | null;
}

export function judgeEye({ planned, truth, alerts, needles, cropBytes }: EyeInput): {
  readonly rows: readonly EyeRow[];
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const rows: EyeRow[] = [];
  for (const fault of planned.filter((one) => one.fault === 'needle_line')) {
    const line = truth.find(({ kind, id }) => kind === 'fault' && id === fault.id);
    // A line nobody began, and one nobody told of, are told as a fault not found.
    const alert = alerts.find((one) => one.machine === fault.machine && one.type === fault.expect.type);
    if (line === undefined || alert === undefined) continue;
    const [trueNeedle, trueM] = [Number(line.data['needle']), Number(line.data['rollM'])];
    const number = (name: string): number | null => {
      const value = alert.evidence[name];
      return typeof value === 'number' ? value : null;
    };
    const [needle, k, metre] = [number('needle'), number('k'), number('rollFromM')];
    const crop = typeof alert.evidence['crop'] === 'string' ? cropBytes(alert.evidence['crop']) : null;
    rows.push({ id: fault.id, machine: fault.machine, needle, k, trueNeedle, metre, trueM, cropBytes: crop });
    const all = needles(fault.machine) ?? Infinity;
    const off = Math.abs((needle ?? Number.NaN) - trueNeedle);
    if (needle === null || k === null) problems.push(`${fault.id}: no needle is named`);
    else if (Math.min(off, all - off) > k)
      problems.push(`${fault.id}: needle ${needle} ± ${k}, and it is ${trueNeedle}`);
    if (metre === null || Math.abs(metre - trueM) > metreLimitM)
      problems.push(`${fault.id}: at ${metre} m of the roll, and it began at ${trueM} m`);
    if (crop === null) problems.push(`${fault.id}: no picture of it was kept`);
    if (alert.evidence['isSimulated'] !== true) problems.push(`${fault.id}: it does not say that the cloth is drawn`);
  }
  return { rows, problems };
}
