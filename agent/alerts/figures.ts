/**
 * How much the alerts of a floor ask of people, in the figures of ISA-18.2 and EEMUA 191. Pure: no clock, no database. An alert counts each time
 * it becomes active, since each time somebody has to look.
 *
 *  - Chattering, as EEMUA 191 has it: the same alert of the same machine three times or more within a minute.
 *  - Stale: active for more than 24 hours.
 *  - A flood: more than ten alerts within ten minutes; its length is told in minutes that end in one.
 *
 * Invariants (test/unit/alerts/figures.test.ts):
 *  G1  Only what was raised in [fromMs, toMs) is counted; what came up to ten minutes before it only tells how full the first minutes were.
 *  G2  Lists are bounded, and beside each stands how many there were.
 *  G3  The order in which activations are handed in changes nothing.
 */
export interface Activation {
  readonly machine: string;
  readonly rule: string;
  readonly text: string;
  /** UTC ms. */
  readonly raisedMs: number;
}
/** One that is active now. */
export interface Standing {
  readonly occurrence: string;
  readonly machine: string;
  readonly rule: string;
  readonly text: string;
  readonly sinceMs: number;
}

interface OfRule {
  readonly machine: string;
  readonly rule: string;
  /** As it was told last. */
  readonly text: string;
}
export interface AlertFigures {
  readonly fromMs: number;
  readonly toMs: number;
  /** Times an alert became active. */
  readonly raised: number;
  readonly perHour: number;
  /** The ten most frequent, most frequent first; `share` of all, 0 to 1. */
  readonly worst: readonly (OfRule & { readonly raised: number; readonly share: number })[];
  /** `most`: times within the fullest minute. */
  readonly chattering: readonly (OfRule & { readonly most: number })[];
  readonly chatteringTotal: number;
  /** Oldest first. */
  readonly stale: readonly Standing[];
  readonly staleTotal: number;
  readonly floods: {
    readonly count: number;
    /** Minutes at whose end more than ten alerts lay within ten minutes. */
    readonly minutes: number;
    /** Alerts within the fullest ten minutes. */
    readonly most: number;
  };
  /** False: there were more than could be read, and the newest are not counted. */
  readonly isComplete: boolean;
}

export const floodWindowMs = 600_000;
export const staleAfterMs = 86_400_000;
const floodAlerts = 10;
const chatterWithinMs = 60_000;
const chatterTimes = 3;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const worstShown = 10;
const listShown = 50;

export interface FiguresInput {
  readonly fromMs: number;
  readonly toMs: number;
  /** Raised in [fromMs - `floodWindowMs`, toMs). */
  readonly activations: readonly Activation[];
  readonly standing: readonly Standing[];
  readonly isComplete: boolean;
}

export function alertFigures({ fromMs, toMs, activations, standing, isComplete }: FiguresInput): AlertFigures {
  const sorted = activations.filter(({ raisedMs }) => raisedMs < toMs).toSorted((a, b) => a.raisedMs - b.raisedMs);
  const counted = sorted.filter(({ raisedMs }) => raisedMs >= fromMs);
  const ofRules = [...Map.groupBy(counted, ({ machine, rule }) => `${machine}\n${rule}`).values()].map((of) => {
    const { machine, rule, text } = of.at(-1) as Activation;
    const times = of.map(({ raisedMs }) => raisedMs);
    return { machine, rule, text, raised: of.length, most: mostWithin(times, chatterWithinMs) };
  });
  const byName = (a: OfRule, b: OfRule) => (`${a.machine} ${a.rule}` < `${b.machine} ${b.rule}` ? -1 : 1);
  const worst = ofRules.toSorted((a, b) => b.raised - a.raised || byName(a, b)).slice(0, worstShown);
  const chattering = ofRules
    .filter(({ most }) => most >= chatterTimes)
    .toSorted((a, b) => b.most - a.most || byName(a, b));
  const stale = standing
    .filter(({ sinceMs }) => toMs - sinceMs > staleAfterMs)
    .toSorted((a, b) => a.sinceMs - b.sinceMs);
  return {
    fromMs,
    toMs,
    raised: counted.length,
    perHour: toMs > fromMs ? counted.length / ((toMs - fromMs) / hourMs) : 0,
    worst: worst.map(({ machine, rule, text, raised }) => ({
      machine,
      rule,
      text,
      raised,
      share: raised / counted.length,
    })),
    chattering: chattering.slice(0, listShown).map(({ machine, rule, text, most }) => ({ machine, rule, text, most })),
    chatteringTotal: chattering.length,
    stale: stale.slice(0, listShown),
    staleTotal: stale.length,
    floods: floodsIn(
      sorted.map(({ raisedMs }) => raisedMs),
      fromMs,
      toMs,
    ),
    isComplete,
  };
}

/** The most of sorted times that lie within a span, both its ends included. */
function mostWithin(times: readonly number[], spanMs: number): number {
  let most = 0;
  let first = 0;
  for (const [last, ms] of times.entries()) {
    while (ms - (times[first] ?? ms) > spanMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

function floodsIn(times: readonly number[], fromMs: number, toMs: number): AlertFigures['floods'] {
  let [first, next, minutes, count, most] = [0, 0, 0, 0, 0];
  let before = false;
  for (let endMs = fromMs + minuteMs; endMs < toMs + minuteMs; endMs += minuteMs) {
    const untilMs = Math.min(endMs, toMs);
    while (next < times.length && (times[next] ?? 0) < untilMs) next += 1;
    while (first < next && (times[first] ?? 0) < untilMs - floodWindowMs) first += 1;
    const within = next - first;
    const isFlood = within > floodAlerts;
    most = Math.max(most, within);
    if (isFlood) minutes += 1;
    if (isFlood && !before) count += 1;
    before = isFlood;
  }
  return { count, minutes, most };
}
