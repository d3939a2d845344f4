/**
 * On what a model runs. An accelerator is taken for what it does on this computer with this model, not for its name: onnxruntime takes a
 * GPU that is made of software without a word, and it is hundreds of times slower than the processor.
 *
 * Invariants (test/unit/models/accelerator.test.ts):
 *  A1  Nothing but `cpu` is chosen unless it gives the golden outputs.
 *  A2  `auto` chooses what takes at most 0.8 of the median time of `cpu`, of several the fastest.
 *  A3  One that was asked for and cannot be had leaves `cpu`, with the reason; never a failure, and never in silence.
 */
import { trySamples, type GoldenOptions, type GoldenResult } from './golden.ts';
import type { Manifest } from './manifest.ts';

/** Accelerator → onnxruntime's name of it. */
const providers = {
  cuda: 'cuda',
  tensorrt: 'tensorrt',
  webgpu: 'webgpu',
  coreml: 'coreml',
  directml: 'dml',
  cpu: 'cpu',
} as const;
export type Accelerator = keyof typeof providers;
export const accelerators = ['auto', ...(Object.keys(providers) as readonly Accelerator[])] as const;
export type AcceleratorChoice = (typeof accelerators)[number];

/** What `auto` tries beside `cpu`, by the system. */
const candidates: Readonly<Record<string, readonly Accelerator[]>> = {
  linux: ['tensorrt', 'cuda', 'webgpu'],
  darwin: ['coreml', 'webgpu'],
  win32: ['directml', 'webgpu'],
};

/** Of cpu's time: less than a fifth saved is not worth another library in the process. */
const mostOfCpu = 0.8;
const runs = 9;
/** One that takes longer for a few samples is not faster than the processor. */
const timeoutMs = 60_000;

export interface AcceleratorTrial {
  readonly accelerator: Accelerator;
  readonly ok: boolean;
  /** Median of one run, in ms; null where it did not run. */
  readonly medianMs: number | null;
  /** Largest distance from the golden outputs; null where it did not run. */
  readonly worst: number | null;
  /** Why it is not used; null where nothing is against it. */
  readonly detail: string | null;
}
export interface AcceleratorVerdict {
  readonly chosen: Accelerator;
  readonly reason: string;
  readonly tried: readonly AcceleratorTrial[];
}

/** onnxruntime's name of an accelerator. */
export const providerOf = (accelerator: Accelerator): string => providers[accelerator];

/** Tries what was asked for, `cpu` first, each in a process of its own. The package must have been verified. Never rejects. */
export async function chooseAccelerator(
  folder: string,
  manifest: Manifest,
  wanted: AcceleratorChoice,
  platform: string = process.platform,
  more: Pick<GoldenOptions, 'niceness' | 'signal'> = {},
): Promise<AcceleratorVerdict> {
  const others = wanted === 'auto' ? (candidates[platform] ?? []) : wanted === 'cpu' ? [] : [wanted];
  const tried: AcceleratorTrial[] = [];
  for (const accelerator of ['cpu' as const, ...others]) {
    const options: GoldenOptions = { ...more, provider: providers[accelerator], runs, timeoutMs };
    tried.push(trialOf(accelerator, await trySamples(folder, manifest, options)));
  }
  return judgeAccelerators(wanted, tried);
}

function trialOf(accelerator: Accelerator, result: GoldenResult): AcceleratorTrial {
  if (!result.ok) return { accelerator, ok: false, medianMs: null, worst: null, detail: result.detail };
  return { accelerator, ok: true, medianMs: result.medianMs, worst: result.worst, detail: null };
}

/** Pure. @param tried `cpu` among them */
export function judgeAccelerators(wanted: AcceleratorChoice, tried: readonly AcceleratorTrial[]): AcceleratorVerdict {
  const cpuMs = tried.find(({ accelerator }) => accelerator === 'cpu')?.medianMs ?? null;
  const judged = tried.map((trial) => {
    if (wanted !== 'auto' || trial.accelerator === 'cpu' || trial.medianMs === null || cpuMs === null) return trial;
    if (trial.medianMs <= mostOfCpu * cpuMs) return trial;
    const detail = `${trial.medianMs.toFixed(2)} ms a run, the cpu ${cpuMs.toFixed(2)} ms`;
    return { ...trial, detail };
  });
  const good = judged
    .filter(({ accelerator, ok, detail }) => accelerator !== 'cpu' && ok && detail === null)
    .toSorted((a, b) => (a.medianMs ?? 0) - (b.medianMs ?? 0));
  const [best] = good;
  if (best !== undefined) {
    const than = cpuMs === null ? '' : `, the cpu ${cpuMs.toFixed(2)} ms`;
    return { chosen: best.accelerator, reason: `${(best.medianMs ?? 0).toFixed(2)} ms a run${than}`, tried: judged };
  }
  if (wanted === 'cpu') return { chosen: 'cpu', reason: 'it was asked for', tried: judged };
  const against = judged.flatMap(({ accelerator, detail }) =>
    accelerator === 'cpu' || detail === null ? [] : [`${accelerator}: ${detail}`],
  );
  return { chosen: 'cpu', reason: against.join('; ') || 'there is nothing else here', tried: judged };
}
