/**
 * What the eye finds in cloth, as events and alerts: an event when a fault is told and when it ends, and one alert for each class of
 * fault of a machine, which has no rule in the configuration because the eye has judged already.
 *
 * A line lasts: its alert is over when the line is. A spot is over as soon as it is told: its alert waits for somebody to see it. More of
 * one class before anybody has seen the first are one occurrence, with a count.
 *
 * Invariants (test/unit/pipeline/findings.test.ts):
 *  F1  One fault is one `fabric_finding` that is opened, and one that is closed; a spot is one instant.
 *  F2  No alert comes from anything but a fault that was told, and the alert of a line is over only when no line of its class is left.
 *  F3  A needle is named with its k, or it is said why none is.
 *  F4  A line from before a start is neither raised anew nor cleared until the eye has looked long enough to have found it again.
 */
import type { EventRecord } from '../cloud-bridge/contract.ts';
import type { AlertDesk } from './alerts/desk.ts';
import type { GatewayRule } from './gateway-alerts.ts';
import type { Journaling } from './journaling.ts';
import type { Instant } from './rules/conditions.ts';

/** A fault in cloth, as a sense tells it. */
export interface FabricFinding {
  readonly machine: string;
  /** Of the sense's process: with the boot it is unique. */
  readonly id: number;
  readonly phase: 'found' | 'changed' | 'closed';
  readonly class: string;
  readonly shape: 'vertical' | 'horizontal' | 'spot';
  /** Where to look first: `needle_or_sinker`, `yarn_or_feeder`, `machine_or_handling`. */
  readonly cause: string;
  readonly score: number;
  readonly threshold: number;
  readonly needle: number | null;
  readonly k: number | null;
  /** Why no needle is named; null where one is. */
  readonly needleUnknown: string | null;
  /** Millimetres from the beginning of the roll, and across. */
  readonly rollFromMm: number;
  readonly rollToMm: number;
  readonly acrossFromMm: number;
  readonly acrossToMm: number;
  readonly revolutions: number;
  /** UTC ms. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly fabric: string;
  /** `id@version`. */
  readonly model: string;
  readonly isSimulated: boolean;
  /** SHA-256 of the crop, kept as evidence; null where there is none. */
  readonly crop: string | null;
}

export const findingEvent = 'fabric_finding';

const what: Readonly<
  Record<string, { readonly text: string; readonly runbook: string; readonly priority: GatewayRule['priority'] }>
> = {
  needle_line: {
    text: 'Needle line in the cloth',
    runbook:
      'Stop at the named needle. Look at its hook, latch and butt and at the sinker beside it; change what is bent or worn.',
    priority: 'high',
  },
  ladder: {
    text: 'Ladder in the cloth',
    runbook:
      'Stop: a stitch has run. Look at the latch of the named needle and at its yarn; press the cloth on again before going on.',
    priority: 'urgent',
  },
  oil_line: {
    text: 'Oil line in the cloth',
    runbook:
      'Too much oil at one needle or a dirty trick: look at the oiler above the named needle, then at the cylinder’s groove.',
    priority: 'high',
  },
  barre: {
    text: 'Bar along a course',
    runbook: 'One feeder knits otherwise: compare yarn lot, count and tension of the feeders, then its cam.',
    priority: 'high',
  },
  missing_yarn: {
    text: 'A yarn is missing along a course',
    runbook: 'Look for the feeder without yarn, and why its stop motion did not stop the machine.',
    priority: 'urgent',
  },
  hole: {
    text: 'Hole in the cloth',
    runbook: 'Look at yarn tension, knots and the needle at the place; two holes at the same needle are its latch.',
    priority: 'high',
  },
  oil_spot: {
    text: 'Oil spot on the cloth',
    runbook: 'Wipe and look where oil drips from; mark the place on the roll.',
    priority: 'medium',
  },
  slub_thick_thin: {
    text: 'Thick or thin stretch of a yarn',
    runbook: 'Mark the place on the roll; when they become many, change the yarn lot.',
    priority: 'low',
  },
};
const unknown = {
  text: 'The cloth looks unlike what was shown as good',
  runbook: 'Look at the picture and at the cloth. If it is good, say so on the page and show the eye more of it.',
  priority: 'medium',
} as const;

const ruleIdOf = (name: string) => `eye-${name.replaceAll('_', '-')}`;

function ruleOf(name: string): GatewayRule {
  const known = what[name] ?? unknown;
  const id = ruleIdOf(what[name] === undefined ? 'anomaly' : name);
  return { id, type: 'fabric_defect', latch: false, ...known };
}

export class FindingDesk {
  readonly #parts: { readonly journal: Journaling; readonly desk: AlertDesk };
  /** Lines that last, by machine and rule. */
  readonly #open = new Map<string, Set<number>>();

  constructor(parts: { readonly journal: Journaling; readonly desk: AlertDesk }) {
    this.#parts = parts;
  }

  /** For taking over what is open from before the start. */
  static readonly rules: readonly GatewayRule[] = [...Object.keys(what), 'anomaly'].map(ruleOf);

  static runbook(rule: string): string | null {
    return FindingDesk.rules.find(({ id }) => id === rule)?.runbook ?? null;
  }

  /** Lines of before the start that the eye has not found again, by machine: their rules. */
  readonly #before = new Map<string, Set<string>>();

  /** To be told once of each alert of the eye that is open at a start. */
  recovered(machine: string, rule: string): void {
    this.#before.set(machine, (this.#before.get(machine) ?? new Set()).add(rule));
  }

  /** The eye has looked at this machine long enough since the start to have told every line that is there. */
  looked(machine: string, now: Instant): void {
    for (const rule of this.#before.get(machine) ?? []) {
      if (!this.#open.has(`${machine} ${rule}`)) this.#parts.desk.clear(machine, rule, Math.round(now.wallMs), now);
    }
    this.#before.delete(machine);
  }

  /** Returns the occurrence it belongs to; null when it raised none. */
  told(finding: FabricFinding, now: Instant): string | null {
    const { machine, id, phase, shape } = finding;
    const rule = ruleOf(finding.class);
    const key = `${machine} ${rule.id}`;
    const lasts = shape !== 'spot';
    if (phase === 'closed') {
      if (!lasts) return null;
      this.#note(finding, 'closed');
      const left = this.#open.get(key);
      left?.delete(id);
      if (left !== undefined && left.size > 0) return null;
      this.#open.delete(key);
      this.#parts.desk.clear(machine, rule.id, Math.round(finding.lastMs), now);
      return null;
    }
    // What is known better is told by the alert alone: its last step has the whole state.
    if (phase === 'found') this.#note(finding, lasts ? 'opened' : 'instant');
    const { text, ...of } = rule;
    const onsetMs = Math.round(finding.firstMs);
    const activation = {
      onsetMs,
      raisedMs: Math.round(now.wallMs),
      signal: null,
      cause: finding.cause,
      text,
      evidence: dataOf(finding),
    };
    this.#parts.desk.activate(machine, of, activation, false, false, now);
    if (lasts) this.#open.set(key, (this.#open.get(key) ?? new Set()).add(id));
    else this.#parts.desk.clear(machine, rule.id, Math.round(finding.lastMs), now);
    return this.#parts.desk.open().find((one) => one.machine === machine && one.rule === rule.id)?.id ?? null;
  }

  #note(finding: FabricFinding, phase: EventRecord['phase']): void {
    this.#parts.journal.event({
      machine: finding.machine,
      atMs: Math.round(phase === 'closed' ? finding.lastMs : finding.firstMs),
      event: findingEvent,
      phase,
      fromMs: phase === 'closed' ? Math.round(finding.firstMs) : null,
      data: { finding: finding.id, class: finding.class, ...dataOf(finding) },
    });
  }
}

/** Metres to the millimetre, as staff measure them. */
const metres = (mm: number) => Math.round(mm) / 1000;

function dataOf(finding: FabricFinding): EventRecord['data'] {
  return {
    score: finding.score,
    threshold: finding.threshold,
    needle: finding.needle,
    k: finding.k,
    needleUnknown: finding.needleUnknown,
    rollFromM: metres(finding.rollFromMm),
    rollToM: metres(finding.rollToMm),
    acrossFromMm: Math.round(finding.acrossFromMm),
    acrossToMm: Math.round(finding.acrossToMm),
    revolutions: finding.revolutions,
    fabric: finding.fabric,
    model: finding.model,
    isSimulated: finding.isSimulated,
    crop: finding.crop,
  };
}
