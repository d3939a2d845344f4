/**
 * What the eye finds in cloth, as events and alerts: an event when a fault is told and when it ends, and one alert for each class of
 * fault of a machine, which has no rule in the configuration because the eye has judged already.
 *
 * A line lasts: its alert is over when the line is. A spot is over as soon as it is told: its alert waits for somebody to see it. More of
 * one class before anybody has seen the first are one occurrence, with a count.
 *
 * Invariants (test/unit/pipeline/findings.test.ts):
 *  F1  One fault is one `fabric_finding` that is opened, and one that is closed; a spot is one instant. Where it becomes known better (another
 *      class, a smaller k, a spot that was larger than its first edge) that is a `fabric_finding_refined`, and only then: however long a line
 *      lasts, these are few.
 *  F2  No alert comes from anything but a fault that was told, and the alert of a line is over only when no line of its class is left.
 *  F3  A needle is named with its k, or it is said why none is.
 *  F4  A line from before a start, of the agent or of the eye's process, is neither raised anew nor cleared until the eye has looked long enough to have found it again.
 *  F5  A fault is told with its roll and its metres there; a line that is there when a roll begins is told again in that one.
 */
import type { EventRecord } from '../cloud-bridge/contract.ts';
import type { AlertDesk } from './alerts/desk.ts';
import type { Activation } from './alerts/occurrence.ts';
import type { GatewayRule } from './gateway-alerts.ts';
import type { IncidentBook, SenseTold } from './incidents/book.ts';
import { legendOf } from './incidents/legend.ts';
import type { Journaling } from './journaling.ts';
import { metres, type RollDesk, type RollPlace } from './rolls/desk.ts';
import { findingEvent, goesOnEvent, refinedEvent } from './rolls/events.ts';
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
  /** Millimetres of the eye's own count, which begins with its process, and across. */
  readonly rollFromMm: number;
  readonly rollToMm: number;
  /** ± along the roll. */
  readonly alongErrorMm: number;
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
  /** The same of its heat map, to be laid over it; null where nothing in it comes near the threshold, or there is none. */
  readonly heatMap: string | null;
  /** What the worst place of the crop scored, in taught thresholds; null where there is no crop. */
  readonly heatPeak: number | null;
  /** closed: it was the fault with this id; null where it simply ended. */
  readonly mergedInto: number | null;
}

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
  return { id, type: what[name] === undefined ? 'fabric_anomaly' : name, latch: false, ...known };
}

export interface FindingDeskParts {
  readonly journal: Journaling;
  readonly desk: AlertDesk;
  readonly incidents: Pick<IncidentBook, 'told' | 'ended'>;
  readonly rolls: Pick<RollDesk, 'placed' | 'atBegin' | 'hasRoom' | 'anew'>;
}

/** A fault as it was told last, and how far it is known to go. */
interface Told {
  readonly finding: FabricFinding;
  readonly place: RollPlace | null;
  /** false: its roll had no room for it, so no event names it. */
  readonly isKept: boolean;
}

export class FindingDesk {
  readonly #parts: FindingDeskParts;
  /** Lines that last. As many as the eye follows at a time, which it bounds. */
  readonly #lines = new Map<string, Told>();
  /** Spots that are in view. As many as the eye follows at a time, too. */
  readonly #spots = new Map<string, Told>();
  /** Rules whose lines the eye has not found again since it was started, by machine. */
  readonly #before = new Map<string, Set<string>>();

  constructor(parts: FindingDeskParts) {
    this.#parts = parts;
  }

  /** For taking over what is open from before the start. */
  static readonly rules: readonly GatewayRule[] = [...Object.keys(what), 'anomaly'].map(ruleOf);

  static runbook(rule: string): string | null {
    return FindingDesk.rules.find(({ id }) => id === rule)?.runbook ?? null;
  }

  /** To be told once of each alert of the eye that is open at a start. */
  recovered(machine: string, rule: string): void {
    this.#before.set(machine, (this.#before.get(machine) ?? new Set()).add(rule));
  }

  /** The eye's process is another and remembers nothing: its lines end, their alerts wait until it has looked. */
  anew(machine: string, now: Instant): void {
    // What it looked at is told first: so far its lines went.
    this.#parts.rolls.anew(machine, now);
    for (const [key, { finding }] of this.#spots) if (finding.machine === machine) this.#spots.delete(key);
    for (const line of this.#linesOf(machine)) {
      this.#note(line, 'closed', findingEvent, { lost: true });
      this.#lines.delete(lineKey(machine, line.finding.id));
      this.recovered(machine, ruleOf(line.finding.class).id);
    }
  }

  /** A roll has begun: the lines that are there go on in it. */
  rollBegun(machine: string, now: Instant): void {
    for (const { finding } of this.#linesOf(machine)) {
      const place = this.#parts.rolls.atBegin(machine);
      const isKept = place !== null && this.#parts.rolls.hasRoom(machine, place, now);
      const told = { finding, place, isKept };
      this.#lines.set(lineKey(machine, finding.id), told);
      this.#note(told, 'instant', goesOnEvent);
    }
  }

  /** The eye has looked at this machine long enough since the start to have told every line that is there. */
  looked(machine: string, now: Instant): void {
    for (const rule of this.#before.get(machine) ?? []) {
      if (!this.#lastsAs(machine, rule)) this.#parts.desk.clear(machine, rule, Math.round(now.wallMs), now);
    }
    this.#before.delete(machine);
  }

  /** Returns the occurrence it belongs to; null when it raised none. */
  told(finding: FabricFinding, now: Instant): string | null {
    const { machine, id, phase, shape } = finding;
    const before = this.#lines.get(lineKey(machine, id)) ?? null;
    if (phase !== 'found' && shape === 'spot' && before === null) {
      this.#leftView(finding, now);
      return null;
    }
    const { rolls } = this.#parts;
    const place = rolls.placed(machine, finding.rollFromMm, finding.rollToMm, now);
    if (phase === 'closed') {
      if (before === null) return null;
      this.#note({ ...before, finding, place }, 'closed');
      this.#end(before, finding.lastMs, now);
      return null;
    }
    const lasts = shape !== 'spot';
    const isNew = phase === 'found' || (before === null && lasts);
    if (!isNew && (before === null || !isBetter(finding, before.finding))) {
      // How far it goes is known better; that is told when it ends.
      if (before !== null) this.#lines.set(lineKey(machine, id), grown(before, finding, place));
      return null;
    }
    const isKept = isNew ? place === null || rolls.hasRoom(machine, place, now) : before?.isKept === true;
    const told = { finding, place, isKept };
    // A spot that turns out to be a line is told as one.
    if (isNew) this.#note(told, lasts ? 'opened' : 'instant');
    else this.#note(told, 'instant', refinedEvent);
    const { text, ...rule } = ruleOf(finding.class);
    const { desk, incidents } = this.#parts;
    desk.activate(machine, rule, activationOf(told, text, now), false, false, now, (occurrence) =>
      incidents.told({ ...incidentOf(finding, rule.id), occurrence, isNew }),
    );
    if (before !== null && before.finding.class !== finding.class) this.#end(before, finding.lastMs, now);
    this.#spots.delete(lineKey(machine, id));
    (lasts ? this.#lines : this.#spots).set(lineKey(machine, id), told);
    if (!lasts) this.#parts.desk.clear(machine, rule.id, Math.round(finding.lastMs), now);
    return this.#parts.desk.open().find((one) => one.machine === machine && one.rule === rule.id)?.id ?? null;
  }

  /** A spot is told when its first edge is seen; how large it is, which its points hang on, is known when it has left the view. */
  #leftView(finding: FabricFinding, now: Instant): void {
    const { machine, id, phase } = finding;
    const told = this.#spots.get(lineKey(machine, id));
    if (told === undefined || phase !== 'closed') return;
    this.#spots.delete(lineKey(machine, id));
    if (!isLarger(finding, told.finding)) return;
    const place = this.#parts.rolls.placed(machine, finding.rollFromMm, finding.rollToMm, now);
    this.#note({ ...told, finding: { ...finding, ...picturesOf(told.finding) }, place }, 'instant', refinedEvent);
  }

  #linesOf(machine: string): readonly Told[] {
    return [...this.#lines.values()].filter(({ finding }) => finding.machine === machine);
  }

  /** It does not last any more as what it was told; the alert of its class is over when no other line has it. */
  #end({ finding: line }: Told, endedMs: number, now: Instant): void {
    this.#lines.delete(lineKey(line.machine, line.id));
    const rule = ruleOf(line.class).id;
    this.#parts.incidents.ended(line.machine, incidentKey(rule, line.id), Math.round(endedMs));
    if (this.#lastsAs(line.machine, rule)) return;
    this.#parts.desk.clear(line.machine, rule, Math.round(endedMs), now);
  }

  #lastsAs(machine: string, rule: string): boolean {
    return this.#linesOf(machine).some(({ finding }) => ruleOf(finding.class).id === rule);
  }

  #note(told: Told, phase: EventRecord['phase'], event: string = findingEvent, more: EventRecord['data'] = {}): void {
    if (!told.isKept) return;
    const { finding } = told;
    const { id, class: name, shape, cause } = finding;
    this.#parts.journal.event({
      machine: finding.machine,
      atMs: Math.round(phase === 'closed' ? finding.lastMs : finding.firstMs),
      event,
      phase,
      fromMs: phase === 'closed' ? Math.round(finding.firstMs) : null,
      data: {
        finding: id,
        eye: told.place?.eye ?? 0,
        class: name,
        shape,
        cause,
        ...dataOf(told),
        sameAs: finding.mergedInto,
        ...more,
      },
    });
  }
}

const lineKey = (machine: string, id: number) => `${machine} ${id}`;

/** Of another class, or its needle is known better than when it was last told. */
function isBetter(finding: FabricFinding, told: FabricFinding): boolean {
  return finding.class !== told.class || (finding.k ?? Infinity) < (told.k ?? Infinity);
}

/** By a millimetre or more, either way. */
function isLarger(finding: FabricFinding, told: FabricFinding): boolean {
  const along = (of: FabricFinding) => of.rollToMm - of.rollFromMm;
  const across = (of: FabricFinding) => of.acrossToMm - of.acrossFromMm;
  return along(finding) >= along(told) + 1 || across(finding) >= across(told) + 1;
}

/** What was told, with how far it goes now. */
function grown(told: Told, finding: FabricFinding, place: RollPlace | null): Told {
  const { rollFromMm, rollToMm, lastMs } = finding;
  return { ...told, finding: { ...told.finding, rollFromMm, rollToMm, lastMs }, place };
}

/** What shows it. */
const picturesOf = ({ crop, heatMap, heatPeak }: FabricFinding) => ({
  crop,
  heatMap,
  // Down: what did not reach the threshold is not told as if it had.
  heatPeak: heatPeak === null ? null : Math.floor(heatPeak * 100) / 100,
});

const incidentKey = (rule: string, id: number) => `${rule} ${id}`;

/** What the alert's incident hangs on. */
function incidentOf(finding: FabricFinding, rule: string): Omit<SenseTold, 'occurrence' | 'isNew'> {
  const { machine, id, shape, needle, k, firstMs, lastMs } = finding;
  return {
    machine,
    sense: 'eye',
    key: incidentKey(rule, id),
    needles: needle === null || k === null ? [] : [{ needle, k }],
    fromMs: Math.round(firstMs),
    lastMs: shape === 'spot' ? Math.round(lastMs) : null,
    picture: finding.crop,
    legend: legendOf('eye', picturesOf(finding)),
  };
}

function activationOf(told: Told, text: string, now: Instant): Activation {
  const { finding } = told;
  const [onsetMs, raisedMs] = [Math.round(finding.firstMs), Math.round(now.wallMs)];
  return { onsetMs, raisedMs, signal: null, cause: finding.cause, text, evidence: dataOf(told) };
}

function dataOf({ finding, place }: Told): EventRecord['data'] {
  return {
    score: finding.score,
    threshold: finding.threshold,
    needle: finding.needle,
    k: finding.k,
    needleUnknown: finding.needleUnknown,
    roll: place?.roll ?? null,
    rollFromM: metres(place?.fromMm ?? finding.rollFromMm),
    rollToM: metres(place?.toMm ?? finding.rollToMm),
    alongErrorMm: Math.ceil(finding.alongErrorMm * 10) / 10,
    acrossFromMm: Math.round(finding.acrossFromMm),
    acrossToMm: Math.round(finding.acrossToMm),
    revolutions: finding.revolutions,
    fabric: finding.fabric,
    model: finding.model,
    isSimulated: finding.isSimulated,
    ...picturesOf(finding),
  };
}
