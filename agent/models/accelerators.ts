/**
 * On what the models of this gateway run: tried once with the golden samples (`models/package/accelerator.ts`), then remembered in
 * `models/accelerators.json`, so that a start need not wait for it.
 *
 * Invariants (test/unit/models/accelerators.test.ts):
 *  R1  What was tried counts for the same package, the same wish and the same computer alone; anything else is tried anew.
 *  R2  A file that cannot be understood is as none. The file is replaced whole, and holds the newest `kept` trials.
 *  R3  What was given up in its middle is not remembered.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  accelerators,
  type Accelerator,
  type AcceleratorChoice,
  type AcceleratorVerdict,
} from '../../models/package/accelerator.ts';
import { canonicalBytes, type Manifest } from '../../models/package/manifest.ts';
import { makeFolder } from '../folder.ts';
import { agentVersion } from '../version.ts';
import type { VerifiedModel } from './installed.ts';
import { modelsFolder } from './place.ts';

const kept = 16;
const root = join(import.meta.dirname, '../..');
const fileOf = (dataDir: string) => join(modelsFolder(dataDir), 'accelerators.json');

const accelerator = z.enum(accelerators).exclude(['auto']);
const trialSchema = z.strictObject({
  accelerator,
  ok: z.boolean(),
  medianMs: z.number().nullable(),
  worst: z.number().nullable(),
  detail: z.string().max(2_000).nullable(),
});
const rememberedSchema = z.strictObject({
  /** `id@version`, for people. */
  model: z.string(),
  /** SHA-256 of package, wish and computer. */
  of: z.string(),
  wanted: z.enum(accelerators),
  /** UTC ms. */
  triedMs: z.number(),
  chosen: accelerator,
  reason: z.string().max(8_000),
  tried: z.array(trialSchema).max(8),
});
const fileSchema = z.strictObject({ v: z.literal(1), trials: z.array(rememberedSchema).max(kept) });
type Remembered = z.infer<typeof rememberedSchema>;

export interface AcceleratorPorts {
  readonly dataDir: string;
  readonly wanted: AcceleratorChoice;
  /** What else hangs on this computer, `hostMarks` but in tests. */
  readonly host: string;
  /** Tries them; `chooseAccelerator` but in tests. */
  readonly choose: (folder: string, manifest: Manifest, signal: AbortSignal) => Promise<AcceleratorVerdict>;
  readonly wallMs: () => number;
}

export interface FoundAccelerator {
  readonly chosen: Accelerator;
  /** In words. */
  readonly reason: string;
}

export class Accelerators {
  readonly #ports: AcceleratorPorts;

  constructor(ports: AcceleratorPorts) {
    this.#ports = ports;
  }

  /** What was found before, or needs no trial; null where it is still to be tried. */
  known({ manifest }: Pick<VerifiedModel, 'manifest'>): FoundAccelerator | null {
    if (this.#ports.wanted === 'cpu') return { chosen: 'cpu', reason: 'it was asked for' };
    const of = this.#of(manifest);
    return readTrials(this.#ports.dataDir).find((one) => one.of === of) ?? null;
  }

  /** Tries what there is, in processes of their own, which takes seconds, and remembers it. Null where `signal` ended it. */
  async find({ folder, manifest }: VerifiedModel, signal: AbortSignal): Promise<FoundAccelerator | null> {
    const { dataDir, wanted, choose, wallMs } = this.#ports;
    const { chosen, reason, tried } = await choose(folder, manifest, signal);
    if (signal.aborted) return null;
    const of = this.#of(manifest);
    const model = `${manifest.id}@${manifest.version}`;
    const fresh: Remembered = { model, of, wanted, triedMs: wallMs(), chosen, reason, tried: [...tried] };
    const others = readTrials(dataDir).filter((one) => one.of !== of);
    await write(dataDir, [fresh, ...others].slice(0, kept));
    return fresh;
  }

  #of(manifest: Manifest): string {
    const { wanted, host } = this.#ports;
    return createHash('sha256').update(canonicalBytes(manifest)).update(`\n${wanted}\n${host}`).digest('hex');
  }
}

function readTrials(dataDir: string): readonly Remembered[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(fileOf(dataDir), 'utf8'))).trials;
  } catch {
    return [];
  }
}

async function write(dataDir: string, trials: readonly Remembered[]): Promise<void> {
  const path = fileOf(dataDir);
  makeFolder(modelsFolder(dataDir));
  await writeFile(`${path}.new`, `${JSON.stringify({ v: 1, trials }, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/**
 * What decides on which accelerators there are: processor, graphics devices, their drivers, the libraries beside onnxruntime.
 * Another version of the agent brings another onnxruntime, so it tries anew.
 */
export function hostMarks(environment: Readonly<Record<string, string | undefined>>): string {
  const { platform, arch } = process;
  const libraries = join(root, 'node_modules/onnxruntime-node/bin/napi-v6', platform, arch);
  const named = Object.entries(environment).filter(([name]) => /^(VK_[A-Z_]+|CUDA_VISIBLE_DEVICES)$/.test(name));
  return JSON.stringify([
    agentVersion,
    platform,
    arch,
    cpus()[0]?.model ?? '',
    namesIn(libraries),
    namesIn('/dev/dri'),
    namesIn('/dev').filter((name) => name.startsWith('nvidia')),
    namesIn('/usr/share/vulkan/icd.d'),
    namesIn('/etc/vulkan/icd.d'),
    named.map((pair) => pair.join('=')).toSorted(),
  ]);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}
