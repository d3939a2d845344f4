/** A machine that counts, and gateways that poll it: a boot after a boot, and clones of them. */
import fc from 'fast-check';
import { sha256Hex, type SummaryRecord } from '../../../cloud-bridge/contract.ts';
import type { CheckedBatch } from '../../../cloud-bridge/store/bridge-store.ts';
import { atMs, body, summary } from './making.ts';

const maxRatePerS = 3;

export interface Machine {
  /** Counts in each ten seconds, again and again. */
  readonly rates: readonly number[];
  /** Seconds at which its counter falls to zero. */
  readonly resetsS: readonly number[];
}

/** What the machine has truly counted until second `s`. */
export function truth({ rates }: Machine, s: number): number {
  let sum = 0;
  for (let at = 0; at < Math.floor(s / 10); at += 1) sum += rates[at % rates.length] ?? 0;
  return sum + Math.floor(((rates[Math.floor(s / 10) % rates.length] ?? 0) * (s % 10)) / 10);
}
const lastReset = ({ resetsS }: Machine, s: number) => Math.max(-1, ...resetsS.filter((reset) => reset <= s));
const shown = (machine: Machine, s: number) => {
  const reset = lastReset(machine, s);
  return truth(machine, s) - (reset < 0 ? 0 : truth(machine, reset));
};

export interface BootPlan {
  /** Index of an earlier boot, or -1. */
  readonly parent: number;
  readonly startS: number;
  readonly endS: number;
  readonly phaseS: number;
  readonly pollS: number;
  /** The wall clock less the truth. */
  readonly offsetS: number;
}

export const nameOf = (at: number) => (0xa0 + at).toString(16).repeat(8);

interface Point {
  readonly s: number;
  readonly wallMs: number;
  readonly value: number;
}

/** The batches of all boots: one a minute, each holding one summary. */
export function batchesOf(machine: Machine, plans: readonly BootPlan[]): CheckedBatch[] {
  const ends: (Point | null)[] = [];
  return plans.flatMap((plan, at) => {
    let base = plan.parent < 0 ? null : (ends[plan.parent] ?? null);
    const minutes = new Map<number, NonNullable<SummaryRecord['counter']>>();
    for (let s = plan.startS + plan.phaseS; s <= plan.endS; s += plan.pollS) {
      const point = { s, wallMs: atMs + 1000 * (s + plan.offsetS), value: shown(machine, s) };
      if (base !== null) {
        const minuteMs = point.wallMs - (point.wallMs % 60_000);
        const reset = lastReset(machine, s) > base.s;
        const had = minutes.get(minuteMs);
        minutes.set(minuteMs, {
          delta: (had?.delta ?? 0) + (reset ? point.value : point.value - base.value),
          uncertainty: (had?.uncertainty ?? 0) + (reset ? maxRatePerS * (s - base.s) : 0),
          from: had?.from ?? base.value,
          to: point.value,
          fromMs: had?.fromMs ?? base.wallMs,
          toMs: point.wallMs,
          wraps: 0,
          resets: (had?.resets ?? 0) + (reset ? 1 : 0),
        });
      }
      base = point;
    }
    ends.push(base);
    const boot = nameOf(at);
    return [...minutes].map(([minuteMs, counter], index) => {
      const records = [summary(index + 1, { minuteMs, readingBoot: boot, counter })];
      const previousBoot = plan.parent < 0 ? null : nameOf(plan.parent);
      const whole = body({ boot, previousBoot, seq: index + 1, sealedMs: counter.toMs, records });
      const sha256 = sha256Hex(Buffer.from(JSON.stringify(whole)));
      return { name: { gateway: whole.gateway, boot, seq: whole.seq, sha256 }, body: whole, wireBytes: 1 };
    });
  });
}

/** The true increase from the first reading to the last, whoever made it. */
export function counted(machine: Machine, plans: readonly BootPlan[]): number {
  const firstS = Math.min(...plans.filter(({ parent }) => parent < 0).map(({ startS, phaseS }) => startS + phaseS));
  const lastS = plans.map(
    ({ startS, endS, phaseS, pollS }) =>
      startS + phaseS + pollS * Math.floor(Math.max(0, endS - startS - phaseS) / pollS),
  );
  return truth(machine, Math.max(...lastS)) - truth(machine, firstS);
}

const machineOf = (resets: fc.Arbitrary<number[]>): fc.Arbitrary<Machine> =>
  fc.record({ rates: fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 9 }), resetsS: resets });
export const steady = machineOf(fc.constant([]));
export const falling = machineOf(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 4 }));

const times = {
  waitS: fc.integer({ min: 1, max: 400 }),
  runS: fc.integer({ min: 60, max: 900 }),
  phaseS: fc.nat(9),
  pollS: fc.integer({ min: 1, max: 10 }),
};
/** Boots that start when their parent has ended; `parentOf` chooses among the ones before. */
const plansOf = (parentOf: (at: number, choice: number) => number, offset: fc.Arbitrary<number>) =>
  fc.array(fc.record({ ...times, choice: fc.nat(), offsetS: offset }), { minLength: 1, maxLength: 6 }).map((made) => {
    const plans: BootPlan[] = [];
    for (const [at, { waitS, runS, phaseS, pollS, choice, offsetS }] of made.entries()) {
      const parent = at === 0 ? -1 : parentOf(at, choice);
      const startS = waitS + (plans[parent]?.endS ?? 0);
      plans.push({ parent, startS, endS: startS + runS, phaseS, pollS, offsetS });
    }
    return plans;
  });
export const chain = plansOf((at) => at - 1, fc.integer({ min: -3000, max: 3000 }));
export const forks = plansOf((at, choice) => choice % at, fc.constant(0));
export const forksWithWrongClocks = plansOf((at, choice) => choice % at, fc.integer({ min: -900, max: 900 }));

export const delivery = <T>(batches: readonly T[]) =>
  fc
    .array(fc.nat(Math.max(0, batches.length - 1)), { maxLength: 10 })
    .chain((extra) => fc.shuffledSubarray([...batches.keys(), ...extra], { minLength: batches.length + extra.length }))
    .map((order) => order.flatMap((at) => batches[at] ?? []));

export const clones: readonly BootPlan[] = [
  { parent: -1, startS: 0, endS: 300, phaseS: 0, pollS: 2, offsetS: 0 },
  { parent: 0, startS: 310, endS: 1500, phaseS: 0, pollS: 2, offsetS: 0 },
  { parent: 0, startS: 700, endS: 2100, phaseS: 1, pollS: 2, offsetS: 0 },
];
