/**
 * Teaching a cloth for whoever stands before the page: `selvedge teach vision` in a process of its own, one at a time on this gateway, of
 * the cloth that is configured. What it learned the eye takes up by itself (`eye/desk.ts`).
 *
 * Invariants (test/unit/senses/teach-desk.test.ts, with real children):
 *  T1  At most one process runs. It has ended, with its group, when it is not `running` any more, and after `stop`.
 *  T2  `done` is what lies in the data folder, signed; who taught it has been told to be kept before that is shown. What a process says that
 *      does not hold there is not believed.
 *  T3  A process that was stopped too late, when it had learned already, has taught: that is told too.
 *  T4  It writes no file of its own, and keeps the last end of each machine.
 */
import type { KeyObject } from 'node:crypto';
import { ModelError } from '../../models/errors.ts';
import { AgentError } from '../errors.ts';
import type { ClothTaught } from '../pipeline-ports.ts';
import { describeStyle, type StyleDescription, styleVersions } from './styles.ts';
import type { TeachChild, TeachEnd, TeachStart } from './teach-child.ts';
import { startTeachingInThread } from './teach-fork.ts';
import type { TeachReport } from './teach-told.ts';

/** Twelve pictures within a minute, and as long again for a slow computer to learn from them. */
const withinMs = 300_000;
const mostComplaint = 500;

export interface TeachDeskParts {
  /** Machines with an eye, and the cloth each is configured for. */
  readonly eyes: readonly { readonly id: string; readonly fabric: string }[];
  readonly dataDir: string;
  /** Of this gateway: what it taught is signed with it. */
  readonly publicKey: KeyObject;
  /** `id@version` of the model in use; null while none is. */
  readonly model: () => string | null;
  /** The program that teaches; it tells by the lines of `teach-told.ts`. */
  readonly command: (machine: string, fabric: string) => TeachStart['command'];
  /** Keeps who taught what. */
  readonly taught: (machine: string, taught: ClothTaught) => Promise<void>;
  readonly clock: { wallMs(): number };
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
  /** A process that runs longer is ended. Default: five minutes. */
  readonly withinMs?: number;
}

export interface Teaching {
  readonly state: 'running' | 'done' | 'failed';
  /** So many pictures have been taken, */
  readonly picture: number;
  /** of so many; 0 while that is not known. */
  readonly of: number;
  readonly startedMs: number;
  readonly report: TeachReport | null;
}

/** A cloth at a machine with an eye. */
export interface ClothView {
  /** As it is configured. */
  readonly fabric: string;
  /** What the model in use knows of it. */
  readonly known: { readonly version: number; readonly taughtMs: number; readonly images: number } | null;
  /** What goes on, or how it ended last. */
  readonly teaching: Teaching | null;
}

interface Run {
  readonly machine: string;
  readonly fabric: string;
  readonly by: string;
  readonly child: TeachChild;
  /** The newest version when it began. */
  readonly before: number;
  stoppedBy: string | null;
  teaching: Teaching;
  over: Promise<void>;
}

export class TeachDesk {
  readonly #p: TeachDeskParts;
  #run: Run | null = null;
  readonly #last = new Map<string, Teaching>();
  readonly #known = new Map<string, { readonly key: string; readonly known: ClothView['known'] }>();
  #isOpen = false;

  constructor(parts: TeachDeskParts) {
    this.#p = parts;
  }

  /** From now on cloth can be taught. Aborting `signal` is the same as `stop()`. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#isOpen = true;
    signal.addEventListener('abort', () => void this.stop(), { once: true });
  }

  async stop(): Promise<void> {
    this.#isOpen = false;
    this.#run?.child.end('asked');
    await this.#run?.over;
  }

  /** null where no eye looks at that machine. */
  view(machine: string): ClothView | null {
    const fabric = this.#fabricOf(machine);
    if (fabric === null) return null;
    const teaching = this.#run?.machine === machine ? this.#run.teaching : (this.#last.get(machine) ?? null);
    return { fabric, known: this.#knownOf(machine, fabric), teaching };
  }

  /**
   * Begins to teach the cloth that is configured. `busy`: it is being done already, here or at another machine, or the agent ends.
   * @param by name of the person
   */
  teach(machine: string, by: string): ClothView | 'no-eye' | 'busy' {
    const fabric = this.#fabricOf(machine);
    if (fabric === null) return 'no-eye';
    if (this.#run !== null || !this.#isOpen) return 'busy';
    const { command, dataDir, clock, log } = this.#p;
    const before = styleVersions(dataDir, machine, fabric)[0] ?? 0;
    const child = startTeachingInThread({
      command: command(machine, fabric),
      withinMs: this.#p.withinMs ?? withinMs,
      onPicture: (picture, of) => {
        run.teaching = { ...run.teaching, picture, of };
      },
    });
    const teaching = { state: 'running', picture: 0, of: 0, startedMs: clock.wallMs(), report: null } as const;
    const run: Run = { machine, fabric, by, child, before, stoppedBy: null, teaching, over: Promise.resolve() };
    run.over = child.ended.then((end) => this.#ended(run, end));
    this.#run = run;
    log('info', 'a cloth is being taught', { machine, fabric, user: by });
    return this.view(machine) ?? 'no-eye';
  }

  /** Stops it at once, and answers when it has ended. */
  async cancel(machine: string, by: string): Promise<ClothView | 'no-eye' | 'not-running'> {
    if (this.#fabricOf(machine) === null) return 'no-eye';
    const run = this.#run;
    if (run?.machine !== machine) return 'not-running';
    run.stoppedBy ??= by;
    run.child.end('asked');
    await run.over;
    return this.view(machine) ?? 'no-eye';
  }

  #fabricOf(machine: string): string | null {
    return this.#p.eyes.find(({ id }) => id === machine)?.fabric ?? null;
  }

  /** Read anew when there is another version, or another model in use. */
  #knownOf(machine: string, fabric: string): ClothView['known'] {
    const { dataDir, model } = this.#p;
    const [wanted, versions] = [model(), styleVersions(dataDir, machine, fabric)];
    const key = JSON.stringify([wanted, versions]);
    const before = this.#known.get(machine);
    if (before?.key === key) return before.known;
    const newest = this.#newest(machine, fabric, 0, wanted);
    const known =
      newest === null ? null : { version: newest.version, taughtMs: newest.taughtMs, images: newest.images };
    this.#known.set(machine, { key, known });
    return known;
  }

  /** The newest version above `above` that was taught with this model, or with any. */
  #newest(machine: string, fabric: string, above: number, model: string | null): StyleDescription | null {
    for (const version of styleVersions(this.#p.dataDir, machine, fabric).filter((one) => one > above)) {
      const style = this.#describe(machine, fabric, version);
      if (style !== null && (model === null || style.model === model)) return style;
    }
    return null;
  }

  /** null where it is not there, or is not what this gateway signed. */
  #describe(machine: string, fabric: string, version: number): StyleDescription | null {
    const { dataDir, publicKey, log } = this.#p;
    try {
      return describeStyle(dataDir, machine, fabric, publicKey, version);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      log('warn', 'what was taught cannot be read', { machine, fabric, version, error: error.message });
      return null;
    }
  }

  async #ended(run: Run, end: TeachEnd): Promise<void> {
    const { machine, fabric, by } = run;
    const { log, taught } = this.#p;
    const report = this.#judged(run, end);
    if (report.ok) {
      const { version, images } = report;
      try {
        await taught(machine, { fabric, version, images, by });
      } catch (error) {
        log('error', 'who taught a cloth could not be kept', { machine, fabric, user: by, error: String(error) });
      }
    }
    log(report.ok ? 'info' : 'warn', report.ok ? 'a cloth was taught' : 'a cloth was not taught', {
      machine,
      fabric,
      user: by,
      how: end.how,
      ...(report.ok ? { version: report.version } : { why: report.message }),
    });
    this.#last.set(machine, { ...run.teaching, state: report.ok ? 'done' : 'failed', report });
    this.#run = null;
  }

  /** What became of it, by what lies in the data folder. */
  #judged(run: Run, { report, how, endedFor, complaint }: TeachEnd): TeachReport {
    const { machine, fabric, before, stoppedBy, teaching } = run;
    const own = report?.machine === machine && report.fabric === fabric ? report : null;
    if (own?.ok === true && own.version > before && this.#describe(machine, fabric, own.version) !== null) return own;
    const kept = this.#newest(machine, fabric, before, this.#p.model());
    if (kept !== null) {
      const { version, images, threshold } = kept;
      const what = own?.ok === false ? own.message : how;
      const advice = [`It had been learned already when the process ended (${what}).`];
      return { ok: true, machine, fabric, version, images, refused: [], threshold, seconds: 0, advice };
    }
    if (own?.ok === false && how === 'exit 1') return own;
    const why = complaint.split('\n')[0]?.slice(0, mostComplaint) ?? '';
    const { message, entry } =
      stoppedBy !== null
        ? new AgentError('teachStopped', stoppedBy)
        : endedFor === 'time'
          ? new AgentError('teachTooLong', machine)
          : new AgentError('teachFailed', why === '' ? how : why);
    const { meaning, cure } = entry;
    return { ok: false, machine, fabric, images: teaching.picture, refused: [], message, meaning, cure, advice: [] };
  }
}
