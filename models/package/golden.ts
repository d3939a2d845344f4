/**
 * Runs the golden samples of a package in a process of its own: a model can crash the process it runs in, hang in it, or take its
 * memory. The package must have been verified before: nothing unsigned is ever loaded.
 *
 * Invariants (test/unit/models/golden.test.ts):
 *  G1  Whatever the model does, the caller goes on and is told: it crashed, it hung, it gave other results.
 *  G2  When the promise is settled the process is gone; when the caller dies it is gone within 2 s.
 */
import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Manifest } from './manifest.ts';
import { bad, good, type Check } from './verify.ts';

export interface GoldenOptions {
  /** The session, the samples and their comparison, together, in ms. Default 60,000. */
  readonly timeoutMs?: number;
  /** onnxruntime's name of the provider. Default `cpu`. */
  readonly provider?: string;
  /** How often each sample is run, for its median; fewer times where that takes seconds. Default 3. */
  readonly runs?: number;
  /** The module that is the process; a test gives it one that crashes. */
  readonly child?: URL;
  /** How far the process stands back behind others, 0 … 19 (nice). Default 0. */
  readonly niceness?: number;
  /** Aborted: the process is ended, and the samples count as not run. */
  readonly signal?: AbortSignal;
}

/** What the process is told. Paths are below `folder`. */
export const goldenRequest = z.strictObject({
  folder: z.string(),
  provider: z.string(),
  runs: z.int().min(1).max(1_000),
  model: z.string(),
  inputs: z.array(z.strictObject({ name: z.string(), type: z.enum(['uint8', 'int32', 'int64', 'float32']) })),
  outputs: z.array(z.strictObject({ name: z.string(), type: z.enum(['uint8', 'int32', 'int64', 'float32']) })),
  samples: z.array(
    z.strictObject({
      name: z.string(),
      inputs: z.array(z.strictObject({ name: z.string(), file: z.string(), shape: z.array(z.int()) })),
      outputs: z.array(
        z.strictObject({
          name: z.string(),
          file: z.string(),
          shape: z.array(z.int()),
          absolute: z.number(),
          relative: z.number(),
        }),
      ),
    }),
  ),
});
export type GoldenRequest = z.infer<typeof goldenRequest>;

/** What it answers, once. */
export const goldenAnswer = z.strictObject({
  /** Empty: every output of every sample is within its tolerance. */
  problems: z.array(z.string().max(500)).max(600),
  /** The largest distance of all outputs; null where there was none to be compared. */
  worst: z.number().nullable(),
  /** Median of one run of a sample, in ms. */
  medianMs: z.number().nullable(),
});
export type GoldenAnswer = z.infer<typeof goldenAnswer>;

const defaultTimeoutMs = 60_000;

/** What became of the samples: the error of this room with its detail, or the figures. */
export type GoldenResult =
  | { readonly ok: false; readonly key: 'goldenFailed' | 'goldenCrashed'; readonly detail: string }
  | { readonly ok: true; readonly worst: number; readonly medianMs: number };

/** The golden samples as a check of `verify`. Never rejects. */
export async function runGolden(folder: string, manifest: Manifest, options: GoldenOptions = {}): Promise<Check> {
  const result = await trySamples(folder, manifest, options);
  if (!result.ok) return bad('golden', result.key, result.detail);
  const on = options.provider ?? 'cpu';
  const took = `${result.medianMs.toFixed(1)} ms a run`;
  return good('golden', `${manifest.golden.length} samples on ${on}, at most ${result.worst} apart, ${took}`);
}

/** Never rejects. */
export async function trySamples(
  folder: string,
  manifest: Manifest,
  options: GoldenOptions = {},
): Promise<GoldenResult> {
  const { timeoutMs = defaultTimeoutMs, provider = 'cpu', runs = 3 } = options;
  const request: GoldenRequest = {
    folder,
    provider,
    runs,
    model: manifest.model,
    inputs: manifest.inputs.map(({ name, type }) => ({ name, type })),
    outputs: manifest.outputs.map(({ name, type }) => ({ name, type })),
    samples: manifest.golden,
  };
  const told = await ask(request, timeoutMs, options);
  if ('crash' in told) return { ok: false, key: 'goldenCrashed', detail: told.crash };
  const { problems, worst, medianMs } = told.answer;
  if (problems.length === 0 && medianMs !== null) return { ok: true, worst: worst ?? 0, medianMs };
  const more = problems.length > 3 ? ` and ${problems.length - 3} more` : '';
  return { ok: false, key: 'goldenFailed', detail: `${problems.slice(0, 3).join('; ')}${more}` };
}

/** Secrets of the configuration may stand in the environment; a model has no business with them. Drivers of devices have names there. */
function environment(): Record<string, string | undefined> {
  const passed = /^(PATH|LD_LIBRARY_PATH|TMPDIR|XDG_RUNTIME_DIR|VK_[A-Z_]+|CUDA_[A-Z_]+|NVIDIA_[A-Z_]+|MESA_[A-Z_]+)$/;
  // Without it onnxruntime tells its maker of every session over the network, and keeps an id of the computer in the user's home.
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => passed.test(name))),
    ORT_DISABLE_TELEMETRY: '1',
  };
}

/** Where the system does not let it, the process runs as others do. */
function standBack(pid: number | undefined, niceness: number): void {
  if (pid === undefined || niceness === 0) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already, or the system has no such thing.
  }
}

function ask(
  request: GoldenRequest,
  timeoutMs: number,
  { child: module = new URL('golden-child.ts', import.meta.url), niceness = 0, signal }: GoldenOptions,
): Promise<{ readonly answer: GoldenAnswer } | { readonly crash: string }> {
  const { promise, resolve } = Promise.withResolvers<{ answer: GoldenAnswer } | { crash: string }>();
  const child = fork(fileURLToPath(module), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: environment(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  let answer: GoldenAnswer | null = null;
  let crash: string | null = null;
  standBack(child.pid, niceness);
  const patience = new AbortController();
  const giveUp = () => {
    crash ??= 'it was ended before it had answered';
    child.kill('SIGKILL');
  };
  if (signal?.aborted === true) giveUp();
  signal?.addEventListener('abort', giveUp, { once: true });
  void wait(timeoutMs, undefined, { signal: patience.signal }).then(
    () => {
      crash ??= `it did not end within ${timeoutMs / 1000} s`;
      child.kill('SIGKILL');
    },
    () => undefined,
  );
  child.on('message', (message) => {
    const parsed = goldenAnswer.safeParse(message);
    if (parsed.success) answer ??= parsed.data;
    else crash ??= 'it answered what cannot be understood';
    // It has said all it has to say; an end of its own may hang in the model.
    child.kill('SIGKILL');
  });
  child.once('error', (error) => {
    crash ??= `it could not be started: ${error.message}`;
    // Without a process there is no exit.
    if (child.pid === undefined) child.emit('exit', null, null);
  });
  child.once('exit', (code, killedBy) => {
    patience.abort();
    signal?.removeEventListener('abort', giveUp);
    if (answer !== null && crash === null) resolve({ answer });
    else resolve({ crash: crash ?? `it ended with ${killedBy ?? `exit code ${code}`}` });
  });
  child.send(request, (error) => {
    if (error !== null) crash ??= `it could not be asked: ${error.message}`;
  });
  return promise;
}
