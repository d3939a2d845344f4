/**
 * The examination beside a running agent: `selvedge doctor` as a process of its own, so that nothing of it (a package that crashes, a
 * name that hangs, a lock file that is opened) reaches the agent.
 *
 * Invariants (test/unit/doctor/desk.test.ts):
 *  K1  There is one at a time; who asks meanwhile gets what it finds.
 *  K2  What it found is given again for a minute.
 *  K3  It is ended when its time is over or the agent stops, and then gives nothing.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Report } from './report.ts';

const keptMs = 60_000;
const timeoutMs = 30_000;

const reportSchema = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ id: z.string(), ok: z.boolean(), detail: z.string(), cure: z.string().nullable() })),
}) satisfies z.ZodType<Report>;

export interface DoctorDeskParts {
  /** Runs the doctor, which writes its report to `file`. Program and arguments. */
  readonly command: (file: string) => readonly [program: string, ...rest: string[]];
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly timeoutMs?: number;
}

export class DoctorDesk {
  readonly #p: DoctorDeskParts;
  #known: { readonly atMs: number; readonly untilMs: number; readonly report: Report } | null = null;
  #running: Promise<Report | null> | null = null;
  readonly #ends = new AbortController();

  constructor(parts: DoctorDeskParts) {
    this.#p = parts;
  }

  /** When it looked (UTC ms) and what it found; null where it gave no report. Never rejects. */
  async look(): Promise<{ readonly atMs: number; readonly report: Report } | null> {
    const known = this.#known;
    if (known !== null && this.#p.clock.monotonicMs() < known.untilMs) return known;
    this.#running ??= this.#examine().finally(() => {
      this.#running = null;
    });
    const report = await this.#running;
    return report === null ? null : this.#known;
  }

  async stop(): Promise<void> {
    this.#ends.abort();
    await this.#running;
  }

  async #examine(): Promise<Report | null> {
    if (this.#ends.signal.aborted) return null;
    let dir: string | null = null;
    try {
      dir = await mkdtemp(join(tmpdir(), 'selvedge-doctor-'));
      const file = join(dir, 'report.json');
      await this.#run(file);
      const report = reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
      const { clock } = this.#p;
      this.#known = { atMs: clock.wallMs(), untilMs: clock.monotonicMs() + keptMs, report };
      return report;
    } catch {
      return null;
    } finally {
      if (dir !== null) await rm(dir, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  /** Resolves when the process is gone: that a check failed is an exit code, and told by the report. */
  #run(file: string): Promise<void> {
    const [program, ...args] = this.#p.command(file);
    const timeout = this.#p.timeoutMs ?? timeoutMs;
    const options = { timeout, killSignal: 'SIGKILL', maxBuffer: 1024 * 1024, signal: this.#ends.signal } as const;
    return new Promise((resolve) => {
      execFile(program, args, options, () => resolve());
    });
  }
}
