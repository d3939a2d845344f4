/**
 * The manifest of a model package: what the model is, what goes in and comes out, which figures were measured, and every file with
 * its hash. Pure.
 *
 * Invariants (test/unit/models/manifest.test.ts):
 *  M1  A manifest has exactly one spelling, its canonical bytes. Any other byte anywhere is refused, a space as well.
 *  M2  A path names a file below the package: no way out, no hidden file, nothing that differs by case alone.
 *  M3  What is bounded is bounded before anything is read of it: number of files, their bytes, the bytes of the manifest.
 *  M4  Every tensor of a golden sample has the type and a shape of the input or output it is for, and its file the bytes of both.
 */
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { isVersion } from './version.ts';

export const manifestFile = 'manifest.json';
export const signatureFile = 'manifest.sig';

export const packageLimits = {
  manifestBytes: 256 * 1024,
  files: 256,
  /** Of one file. */
  fileBytes: 64 * 1024 * 1024,
  /** Of all files the manifest lists. */
  packageBytes: 128 * 1024 * 1024,
} as const;

/** Bytes of one element. Little-endian in files. */
export const elementBytes = { uint8: 1, int32: 4, int64: 8, float32: 4 } as const;
export type ElementType = keyof typeof elementBytes;

export const modelId = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/);
const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,79}$/);
const text = (most: number) => z.string().min(1).max(most);
const path = z
  .string()
  .max(120)
  .regex(/^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*){0,3}$/)
  .refine((path) => path !== manifestFile && path !== signatureFile, { error: 'is the manifest itself' });
const size = z.int().min(1).max(1_000_000);
const element = z.enum(Object.keys(elementBytes) as [ElementType, ...ElementType[]]);

const port = z.strictObject({
  name,
  type: element,
  /** A number, or a word for a size that may be any. */
  shape: z.array(z.union([size, z.string().regex(/^[a-z][a-z0-9_]{0,19}$/)])).max(8),
});
const tensor = z.strictObject({ name, file: path, shape: z.array(size).max(8) });
const expected = tensor.extend({
  /** |got − expected| ≤ absolute + relative · |expected|. Both 0: the very same numbers. */
  absolute: z.number().min(0).max(1e6),
  relative: z.number().min(0).max(1),
});
const golden = z.strictObject({
  name,
  inputs: z.array(tensor).min(1).max(16),
  outputs: z.array(expected).min(1).max(16),
});
const metric = z.strictObject({
  name: text(60),
  value: z.number(),
  /** On which data it was measured, so that anybody can measure it again. */
  data: text(200),
  simulated: z.boolean(),
});

export const signers = ['release', 'site', 'local'] as const;
export type Signer = (typeof signers)[number];

const shape = z.strictObject({
  v: z.literal(1),
  id: modelId,
  version: z.string().refine(isVersion, { error: 'is no version such as 1.2.0 or 1.2.0-rc.1' }),
  /** What it does, in the word the senses ask for. */
  task: modelId,
  title: text(120),
  /** SPDX identifier. */
  licence: text(60),
  signedBy: z.enum(signers),
  /** The graph, one of the files. */
  model: path,
  inputs: z.array(port).min(1).max(16),
  outputs: z.array(port).min(1).max(16),
  thresholds: z.record(name, z.number()),
  metrics: z.array(metric).max(200),
  files: z
    .array(
      z.strictObject({
        path,
        bytes: z.int().min(0).max(packageLimits.fileBytes),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1)
    .max(packageLimits.files),
  golden: z.array(golden).min(1).max(32),
});

export const manifestSchema = shape.superRefine((manifest, ctx) => {
  for (const problem of problemsOf(manifest)) ctx.addIssue({ code: 'custom', message: problem });
});
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFile = Manifest['files'][number];
export type GoldenSample = Manifest['golden'][number];
export type Port = Manifest['inputs'][number];

/** What no field says by itself. */
function problemsOf(manifest: z.infer<typeof shape>): string[] {
  const { files, inputs, outputs, golden } = manifest;
  const bytesOf = new Map(files.map(({ path, bytes }) => [path, bytes]));
  const problems = [
    ...repeated(
      'file',
      files.map(({ path }) => path),
    ),
    ...repeated(
      'input',
      inputs.map(({ name }) => name),
    ),
    ...repeated(
      'output',
      outputs.map(({ name }) => name),
    ),
    ...repeated(
      'golden sample',
      golden.map(({ name }) => name),
    ),
  ];
  if (!bytesOf.has(manifest.model)) problems.push(`the model ${manifest.model} is none of the files`);
  // A file cannot be a folder too.
  for (const { path } of files) {
    if (files.some((other) => other.path.startsWith(`${path}/`))) problems.push(`${path} is a file and a folder`);
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > packageLimits.packageBytes) problems.push(`the files have ${total} bytes together`);
  for (const sample of golden) {
    problems.push(...tensorProblems(sample.name, 'input', sample.inputs, inputs, bytesOf));
    problems.push(...tensorProblems(sample.name, 'output', sample.outputs, outputs, bytesOf));
    for (const { name } of inputs) {
      if (!sample.inputs.some((given) => given.name === name)) problems.push(`${sample.name} lacks the input ${name}`);
    }
  }
  return problems;
}

function repeated(what: string, names: readonly string[]): string[] {
  return names.filter((name, at) => names.indexOf(name) !== at).map((name) => `the ${what} ${name} is listed twice`);
}

function tensorProblems(
  sample: string,
  what: 'input' | 'output',
  tensors: readonly z.infer<typeof tensor>[],
  ports: readonly z.infer<typeof port>[],
  bytesOf: ReadonlyMap<string, number>,
): string[] {
  const problems = repeated(
    `${what} of ${sample}`,
    tensors.map(({ name }) => name),
  );
  for (const { name, file, shape } of tensors) {
    const known = ports.find((one) => one.name === name);
    if (known === undefined) {
      problems.push(`${sample} has the ${what} ${name}, which the model has not`);
      continue;
    }
    const fits =
      known.shape.length === shape.length && known.shape.every((n, at) => typeof n === 'string' || n === shape[at]);
    if (!fits) problems.push(`${sample}: ${name} has another shape than the ${what}`);
    const bytes = shape.reduce((product, n) => product * n, elementBytes[known.type]);
    if (bytesOf.get(file) !== bytes) problems.push(`${sample}: ${file} must be a file of ${bytes} bytes for ${name}`);
  }
  return problems;
}

/** The one spelling: keys sorted, two spaces, one line end at the end, UTF-8. */
export function canonicalBytes(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(sorted(manifest), null, 2)}\n`, 'utf8');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

/**
 * The manifest that these bytes are.
 * @throws ModelError `manifestInvalid`, `packageTooNew`
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > packageLimits.manifestBytes) {
    throw new ModelError('manifestInvalid', `${manifestFile} has ${bytes.length} bytes`);
  }
  const json = jsonOf(bytes);
  const version = z.object({ v: z.int() }).safeParse(json).data?.v ?? 1;
  if (version > 1) throw new ModelError('packageTooNew', `${manifestFile} has version ${version}, this agent knows 1`);
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const why = z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ').slice(0, 400);
    throw new ModelError('manifestInvalid', `${manifestFile}: ${why}`);
  }
  if (!canonicalBytes(parsed.data).equals(bytes)) {
    throw new ModelError('manifestInvalid', `${manifestFile} is not written as the one that was sealed`);
  }
  return parsed.data;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ModelError('manifestInvalid', `${manifestFile} is no JSON`, { cause: error });
  }
}
