/**
 * What is done to whom and when: a pure function of the seed.
 *
 * Invariants (test/unit/torture/plan.test.ts):
 *  P1  The same request gives the same plan; another seed gives another.
 *  P2  As many kills as asked for, as many folders put back or started twice as asked for, each after the kill of an agent.
 *  P3  A broker of its own is killed only where there is one.
 *  P4  No clock is stepped between a copy and its return, nor while two agents run from one folder (nor, which the runner sees to, before
 *      the agent that goes on from there has told its first minute): the bridge judges by the gateways'
 *      clocks whether two boots have watched a machine at the same time, and says so; a fork whose clocks lie a day apart it cannot see.
 *  P5  Every kind of trouble comes before any comes again.
 *  P6  Before a folder is put back its agent speaks into a hole: there is something the bridge does not have and the copy takes back.
 */
import { between, createRandom, wholeBetween, type Random } from '../../simulators/random.ts';

/** `embedded`: the bridge is its own broker; `mosquitto`: broker and bridge are two processes. */
export type Layout = 'embedded' | 'mosquitto';
/**
 * `delay`: every packet comes late; `stall`: nothing passes, and comes later; `hole`: connections swallow all and are never closed;
 * `eat`: the bridge's answers are swallowed; `double`: batches and answers come twice.
 */
export const troubles = ['delay', 'stall', 'hole', 'eat', 'double'] as const;
export type Trouble = (typeof troubles)[number];
/**
 * What happens to the data folder of a killed agent before it starts again: nothing, a copy is taken, the last copy is put back, or a
 * second agent is started from a copy beside the first.
 */
export type Folder = 'left' | 'copied' | 'put-back' | 'twice';

export type Act =
  | { readonly kind: 'kill-agent'; readonly downMs: number; readonly folder: Folder }
  | { readonly kind: 'kill-worker'; readonly downMs: number }
  | { readonly kind: 'kill-broker'; readonly downMs: number }
  | { readonly kind: 'trouble'; readonly trouble: Trouble; readonly forMs: number }
  | { readonly kind: 'clock'; readonly stepS: number }
  | { readonly kind: 'move'; readonly to: Layout };

export interface Step {
  /** After the step before has been done. */
  readonly afterMs: number;
  readonly act: Act;
}
export interface Plan {
  readonly layout: Layout;
  readonly steps: readonly Step[];
}
export interface PlanRequest {
  readonly seed: number;
  readonly kills: number;
  /** Folders put back and folders started twice, in turn. */
  readonly restores: number;
}

/** At least so many kills a restore: one at the copy, one at its return. */
export const killsPerRestore = 2;
const daySeconds = 86_400;
const quietMs = [100, 1_200] as const;
const beforeKillMs = [300, 4_000] as const;
const downMs = [50, 1_500] as const;
const troubleMs = [800, 5_000] as const;
/** Longer than any agent lives after it. */
const holeBeforePutBackMs = 6_000;
/** Two seconds of a floor are always something to commit. */
const inHoleMs = [2_000, 4_000] as const;
const troubleShare = 0.6;
const clockShare = 0.25;
const agentShare = 0.5;
const workerShare = 0.7;

export function makePlan({ seed, kills, restores }: PlanRequest): Plan {
  const random = createRandom(seed, 'torture');
  const folders = foldersOf(random, kills, restores);
  const nextTrouble = inTurn(random, troubles);
  const layout: Layout = random() < 0.5 ? 'embedded' : 'mosquitto';
  const other: Layout = layout === 'embedded' ? 'mosquitto' : 'embedded';
  const movesAt = Math.ceil(kills / 2);
  const steps: Step[] = [];
  const step = (span: readonly [number, number], act: Act) =>
    steps.push({ afterMs: Math.round(between(random, span)), act });
  let copyIsOut = false;
  let offsetDays = 0;
  for (let n = 0; n < kills; n += 1) {
    const at = n < movesAt ? layout : other;
    if (n === movesAt) step(quietMs, { kind: 'move', to: other });
    const folder = folders.get(n);
    if (folder !== 'put-back' && random() < troubleShare) {
      step(quietMs, { kind: 'trouble', trouble: nextTrouble(), forMs: Math.round(between(random, troubleMs)) });
    }
    if (random() < clockShare && !copyIsOut) {
      // Never further than a day from the true time.
      const stepDays = offsetDays === 0 ? (random() < 0.5 ? -1 : 1) : -offsetDays;
      offsetDays += stepDays;
      step(quietMs, { kind: 'clock', stepS: stepDays * daySeconds });
    }
    if (folder === 'copied') copyIsOut = true;
    if (folder === 'put-back') {
      copyIsOut = false;
      step(quietMs, { kind: 'trouble', trouble: 'hole', forMs: holeBeforePutBackMs });
    }
    step(folder === 'put-back' ? inHoleMs : beforeKillMs, killOf(random, at, folder));
  }
  return { layout, steps };
}

function killOf(random: Random, layout: Layout, folder: Folder | undefined): Act {
  const down = Math.round(between(random, downMs));
  const share = random();
  if (folder !== undefined) return { kind: 'kill-agent', downMs: down, folder };
  if (share < agentShare) return { kind: 'kill-agent', downMs: down, folder: 'left' };
  if (share < workerShare || layout === 'embedded') return { kind: 'kill-worker', downMs: down };
  return { kind: 'kill-broker', downMs: down };
}

/** Which kills do something to the folder; each restore has a stretch of the run to itself. */
function foldersOf(random: Random, kills: number, restores: number): Map<number, Folder> {
  const folders = new Map<number, Folder>();
  for (let n = 0; n < restores; n += 1) {
    const from = Math.floor((n * kills) / restores);
    const to = Math.floor(((n + 1) * kills) / restores) - 1;
    if (n % 2 === 1) {
      folders.set(wholeBetween(random, [from, to]), 'twice');
      continue;
    }
    const copied = wholeBetween(random, [from, to - 1]);
    folders.set(copied, 'copied');
    folders.set(wholeBetween(random, [copied + 1, to]), 'put-back');
  }
  return folders;
}

/** All of them in random order, and again, in another. */
function inTurn<T>(random: Random, all: readonly [T, ...T[]]): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = [...all];
    const [one] = left.splice(Math.floor(random() * left.length), 1);
    return one ?? all[0];
  };
}
