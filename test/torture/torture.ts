/**
 * One run of the torture: a floor, agents, a bridge and its broker, each of them killed at random moments while the network between them
 * misbehaves, clocks jump and data folders are put back. At the end two ledgers say whether anything was lost or counted twice.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../simulators/random.ts';
import { BenchFailure } from '../bench/processes.ts';
import { WallClock } from '../e2e/clock-rig.ts';
import { Cloud } from './cloud.ts';
import { countedAtBridge, judgeCounters, truthOf, type CounterVerdict } from './counters.ts';
import { gatewayId, TortureGateway } from './gateway.ts';
import { judgeLedger } from './ledger.ts';
import { makePlan, type Act, type Layout } from './plan.ts';
import { startVerb } from './processes.ts';
import { tortureScenario } from './scenario.ts';

export const breaks = ['dedupe', 'ack', 'sync'] as const;
export type Break = (typeof breaks)[number];

export interface TortureOptions {
  readonly seed: number;
  readonly kills: number;
  readonly restores: number;
  /** The control: a promise that is broken. */
  readonly broken: Break | null;
  /** An empty folder on a real disk. */
  readonly dir: string;
  readonly say: (line: string) => void;
}

export interface TortureReport {
  readonly seed: number;
  readonly kills: { readonly agent: number; readonly worker: number; readonly broker: number };
  /** Folders put back, and folders from which two agents were started. */
  readonly restores: number;
  /** Batches that came to the bridge again. */
  readonly redelivered: number;
  /** Identities the agents told, those of them at the bridge, and those a copy took back. */
  readonly committed: number;
  readonly rolledBack: number;
  readonly atBridge: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly conserved: boolean;
  readonly evicted: number;
  readonly firstSendOutOfOrder: number;
  readonly ok: boolean;
  /** Of the rest, for a person. */
  readonly broken: Break | null;
  readonly untold: number;
  readonly deadLetters: number;
  readonly answersEaten: number;
  readonly packetsDoubled: number;
  readonly clockSteps: number;
  readonly layouts: readonly Layout[];
  readonly counters: CounterVerdict;
  readonly seconds: number;
  /** The first of what was lost or doubled. */
  readonly lostFirst: readonly string[];
  readonly duplicatedFirst: readonly string[];
}

/** How long two agents run from one folder. */
const twiceMs = 5_000;
/** Until the machines have been read after they stand still. */
const lastReadMs = 1_500;
const named = 20;

/** Throws BenchFailure when a process does not start, ends by itself, or what waits is not delivered in time. */
export async function torture(options: TortureOptions, signal: AbortSignal): Promise<TortureReport> {
  const run = new Run(options, signal);
  try {
    return await run.all();
  } finally {
    await run.stop();
  }
}

class Run {
  readonly #o: TortureOptions;
  readonly #signal: AbortSignal;
  readonly #gone = new AbortController();
  readonly #stack = new AsyncDisposableStack();
  readonly #clock: WallClock;
  readonly #cloud: Cloud;
  readonly #main: TortureGateway;
  readonly #all: TortureGateway[] = [];
  readonly #kills = { agent: 0, worker: 0, broker: 0 };
  readonly #layouts: Layout[] = [];
  #restores = 0;
  #forked = false;
  #clockSteps = 0;
  #offsetS = 0;
  #calm: NodeJS.Timeout | null = null;

  constructor(options: TortureOptions, signal: AbortSignal) {
    this.#o = options;
    this.#signal = AbortSignal.any([signal, this.#gone.signal]);
    this.#clock = new WallClock(options.dir);
    this.#clock.set(0);
    this.#cloud = new Cloud({ dir: options.dir, environment: this.#broken('bridge'), onGone: this.#onGone });
    this.#main = this.#gateway('agent');
  }

  readonly #onGone = (why: string): void => this.#gone.abort(new BenchFailure(why));

  /** What loads the control into a process. */
  #broken(part: 'bridge' | 'agent'): NodeJS.ProcessEnv {
    if (this.#o.broken === null) return {};
    return {
      SELVEDGE_TORTURE_BREAK: this.#o.broken,
      SELVEDGE_FROM_SOURCES: '1',
      NODE_OPTIONS: `--import=${new URL(`./broken-${part}.ts`, import.meta.url).href}`,
    };
  }

  #gateway(name: string): TortureGateway {
    const made = new TortureGateway({
      dir: this.#o.dir,
      name,
      random: createRandom(this.#o.seed, `proxy ${name}`),
      brokerPort: () => this.#cloud.port,
      environment: () => ({ ...this.#clock.environment, ...this.#broken('agent') }),
      onGone: this.#onGone,
    });
    this.#all.push(made);
    return made;
  }

  async all(): Promise<TortureReport> {
    const { seed, kills, restores, broken, dir, say } = this.#o;
    const startedMs = performance.now();
    const plan = makePlan({ seed, kills, restores });
    const main = this.#main;
    await this.#cloud.prepare(main.dataDir);
    this.#layouts.push(plan.layout);
    await this.#cloud.start(plan.layout);
    const lastsS = 60 + plan.steps.reduce((sum, { afterMs }) => sum + afterMs + 3_000, 0) / 1_000;
    writeFileSync(join(dir, 'floor.yaml'), JSON.stringify(tortureScenario(seed, lastsS)));
    const truthFile = join(dir, 'truth.jsonl');
    const files = ['--truth', truthFile, '--endpoints', join(dir, 'endpoints.json')];
    const simulate = ['simulate', join(dir, 'floor.yaml'), '--seed', String(seed), ...files, '--control', '--hold'];
    const floor = startVerb('floor', simulate, this.#onGone);
    this.#stack.defer(async () => void (await floor.end('SIGKILL')));
    await floor.line('listening floor', (line) => line['event'] === 'listening');
    await main.prepare();
    main.start();
    await main.connected();
    await main.until('read', ({ lastGoodMs }) => {
      const times = Object.values(lastGoodMs as Readonly<Record<string, number | null>>);
      return times.length > 0 && times.every((ms) => ms !== null);
    });
    floor.child.stdin?.write('begin\n');
    await this.#abortable(main.loseAnswer());

    for (const [at, { afterMs, act }] of plan.steps.entries()) {
      if (broken !== null && at === Math.floor(plan.steps.length / 2)) await this.#worstMoment(broken);
      await this.#wait(afterMs);
      say(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${JSON.stringify(act)}`);
      await this.#perform(act);
    }
    this.#quiet();
    say('all kills are done; what waits is delivered');
    await this.#abortable(main.drained());
    floor.child.stdin?.write('halt\n');
    await floor.line('halted floor', (line) => line['event'] === 'halted');
    await delay(lastReadMs);
    await this.#abortable(main.finish());
    await floor.end('SIGTERM');
    await this.#cloud.stop();
    return this.#report(truthFile, (performance.now() - startedMs) / 1000);
  }

  async #perform(act: Act): Promise<void> {
    const cloud = this.#cloud;
    switch (act.kind) {
      case 'trouble':
        this.#quiet();
        this.#main.trouble(act.trouble);
        this.#calm = setTimeout(() => this.#main.trouble(null), act.forMs);
        return;
      case 'clock':
        // As P4 of the plan has it: by now the agent has counted beyond the copy, on the clock the copy had.
        if (this.#forked) await this.#abortable(this.#main.counted());
        this.#forked = false;
        this.#clockSteps += 1;
        this.#offsetS += act.stepS;
        this.#clock.set(this.#offsetS);
        return;
      case 'move':
        this.#layouts.push(act.to);
        await cloud.move(act.to);
        return;
      case 'kill-worker':
        await cloud.killWorker();
        this.#kills.worker += 1;
        await this.#wait(act.downMs);
        await cloud.startWorker();
        return;
      case 'kill-broker':
        await cloud.killBroker();
        this.#kills.broker += 1;
        await this.#wait(act.downMs);
        await cloud.startBroker();
        return;
      case 'kill-agent':
        await this.#main.kill();
        this.#kills.agent += 1;
        await this.#wait(act.downMs);
        if (act.folder === 'copied') this.#main.copy();
        if (act.folder === 'put-back') {
          this.#main.putBack(cloud.read());
          this.#restores += 1;
          this.#forked = true;
        }
        if (act.folder === 'twice') await this.#twice();
        else this.#main.start();
        return;
    }
  }

  /** Two agents run from one folder, and push one another off the broker; the second then delivers what it has, and goes for good. */
  async #twice(): Promise<void> {
    this.#restores += 1;
    this.#forked = true;
    const twin = this.#gateway(`twin-${this.#restores}`);
    twin.beginFrom(this.#main);
    await twin.prepare();
    this.#main.start();
    twin.start();
    await this.#wait(twiceMs);
    await this.#main.kill();
    this.#kills.agent += 1;
    await this.#abortable(twin.finish());
    this.#main.start();
  }

  /** Brings the control to the moment at which what it breaks costs something. */
  async #worstMoment(broken: Break): Promise<void> {
    this.#quiet();
    await this.#abortable(this.#main.connected());
    if (broken === 'dedupe') {
      this.#main.trouble('double');
      await this.#wait(3_000);
      this.#quiet();
      return;
    }
    await this.#abortable(this.#cloud.dieAtWorstMoment());
    this.#kills.worker += 1;
    await this.#cloud.startWorker();
  }

  #quiet(): void {
    if (this.#calm !== null) clearTimeout(this.#calm);
    this.#calm = null;
    for (const gateway of this.#all) gateway.trouble(null);
  }

  async #wait(ms: number): Promise<void> {
    await this.#abortable(delay(ms, undefined, { signal: this.#signal }));
  }

  /** Ends early, with the reason, when a process has gone by itself or the run is to stop. */
  async #abortable<T>(work: Promise<T>): Promise<T> {
    const signal = this.#signal;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => {
      const reason: unknown = signal.reason;
      aborted.reject(reason instanceof Error ? reason : new BenchFailure('stopped'));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    try {
      return await Promise.race([aborted.promise, work]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #report(truthFile: string, seconds: number): TortureReport {
    const { seed, broken } = this.#o;
    const bridge = this.#cloud.read();
    const witnesses = this.#all.map(({ witness }) => witness);
    const sum = (of: (gateway: TortureGateway) => number) => this.#all.reduce((total, one) => total + of(one), 0);
    const ledger = judgeLedger(witnesses, bridge, new Set());
    const counters = judgeCounters(truthOf(truthFile), countedAtBridge(this.#cloud.database, gatewayId));
    const firstSendOutOfOrder = sum(({ order }) => order.outOfOrder);
    const evicted = sum((gateway) => gateway.evicted());
    const { lost, duplicated } = ledger;
    return {
      seed,
      kills: this.#kills,
      restores: this.#restores,
      redelivered: bridge.redelivered,
      committed: ledger.committed,
      rolledBack: ledger.rolledBack,
      atBridge: ledger.atBridge,
      lost: lost.length,
      duplicated: duplicated.length,
      conserved: counters.conserved,
      evicted,
      firstSendOutOfOrder,
      ok:
        ledger.committed > 0 &&
        // Where nothing came again nothing was asked of the bridge.
        bridge.redelivered > 0 &&
        lost.length === 0 &&
        duplicated.length === 0 &&
        counters.conserved &&
        firstSendOutOfOrder === 0,
      broken,
      untold: ledger.untold,
      deadLetters: sum((gateway) => gateway.deadLetters()),
      answersEaten: sum(({ proxied }) => proxied.eaten),
      packetsDoubled: sum(({ proxied }) => proxied.doubled),
      clockSteps: this.#clockSteps,
      layouts: this.#layouts,
      counters,
      seconds: Math.round(seconds),
      lostFirst: lost.slice(0, named),
      duplicatedFirst: duplicated.slice(0, named),
    };
  }

  async stop(): Promise<void> {
    if (this.#calm !== null) clearTimeout(this.#calm);
    for (const gateway of this.#all) await gateway.stop();
    await this.#cloud.stop();
    await this.#stack.disposeAsync();
  }
}
