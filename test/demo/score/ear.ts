/** What the ear told of a bent needle, against the truth: which fault it may be, at which angle of the shaft, and a picture of the sound. */
import type { EarRow, PlannedFault, SoundAlert, TruthLine } from './report.ts';

/** How the ear calls what the scenario injects, and its code. */
const soundFaults: ReadonlyMap<string, { readonly fault: string; readonly code: string }> = new Map([
  ['bent_needle', { fault: 'bentNeedle', code: 'F2' }],
]);

export interface EarInput {
  readonly planned: readonly PlannedFault[];
  readonly truth: readonly TruthLine[];
  readonly alerts: readonly SoundAlert[];
  /** Bytes of a kept picture whose content has this hash; null where there is none. */
  readonly pictureBytes: (sha256: string) => number | null;
}

export function judgeEar({ planned, truth, alerts, pictureBytes }: EarInput): {
  readonly rows: readonly EarRow[];
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const rows: EarRow[] = [];
  for (const { id, machine, fault, expect } of planned) {
    const known = soundFaults.get(fault);
    const line = truth.find((one) => one.kind === 'fault' && one.id === id);
    const alert = alerts.find((one) => one.machine === machine && one.type === expect.type);
    // What nobody bent, and what nobody told of, is told as a fault not found.
    if (known === undefined || line === undefined || alert === undefined) continue;
    const { suspected, probability } = firstOf(alert.evidence['suspected']);
    const { degrees, k } = angleOf(alert.evidence['angle']);
    const trueDegrees = Number(line.data['shaftDegrees']);
    const picture = alert.picture === null ? null : pictureBytes(alert.picture);
    const told = { suspected, probability, degrees, k };
    rows.push({ id, machine, ...told, trueFault: known.fault, code: known.code, trueDegrees, pictureBytes: picture });
    if (suspected !== known.fault)
      problems.push(`${id}: ${suspected ?? 'nothing'} is suspected, and it is ${known.fault} (${known.code})`);
    const off = Math.abs((((degrees ?? Number.NaN) - trueDegrees + 540) % 360) - 180);
    if (degrees === null || k === null) problems.push(`${id}: no angle of the shaft is told`);
    else if (!(off <= k)) problems.push(`${id}: at ${degrees} ± ${k} degrees, and it strikes at ${trueDegrees}`);
    if (picture === null) problems.push(`${id}: no picture of its sound was kept`);
    if (alert.evidence['isSimulated'] !== true) problems.push(`${id}: it does not say that the sound is simulated`);
  }
  return { rows, problems };
}

/** "bentNeedle 0.82; bluntNeedle 0.09" */
function firstOf(text: unknown): Pick<EarRow, 'suspected' | 'probability'> {
  const match = typeof text === 'string' ? /^(\w+) ([\d.]+)(?:;|$)/.exec(text) : null;
  return match === null
    ? { suspected: null, probability: null }
    : { suspected: match[1] ?? null, probability: Number(match[2]) };
}

/** "143 ± 4 degrees" */
function angleOf(text: unknown): Pick<EarRow, 'degrees' | 'k'> {
  const match = typeof text === 'string' ? /^(\d+) ± (\d+) degrees$/.exec(text) : null;
  return match === null ? { degrees: null, k: null } : { degrees: Number(match[1]), k: Number(match[2]) };
}
