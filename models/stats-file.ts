/**
 * `stats.bin`: what was taught on site, as a file. A line of JSON (what there is, with its shapes and what it belongs to), a line end,
 * the numbers of all tensors as float32 in little-endian order, and the SHA-256 of everything before.
 *
 * Invariants (test/unit/models/stats-file.test.ts):
 *  Q1  What was written is read back, bit for bit.
 *  Q2  A file of which a byte has changed, is missing or is added is refused, as is one of another version or of another model.
 *  Q3  Reading takes no more memory than the file has, whatever it says of itself.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ModelError } from './errors.ts';

const hashBytes = 32;
const mostHeaderBytes = 64 * 1024;
/** 60 channels over 8,192 columns are some MB; more is none of ours. */
export const mostStatsBytes = 64 * 1024 * 1024;

const name = z.string().regex(/^[a-z][A-Za-z0-9]{0,39}$/);
const headerSchema = z.strictObject({
  v: z.literal(1),
  /** `id@version` of the model it was taught with: to another it means nothing. */
  model: z.string().min(1).max(120),
  numbers: z.record(name, z.number()),
  tensors: z.array(z.strictObject({ name, dims: z.array(z.int().min(0).max(100_000_000)).max(8) })).max(64),
});

export interface NamedTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface Stats {
  readonly model: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly tensors: Readonly<Record<string, NamedTensor>>;
}

/** @throws ModelError `statsInvalid` where a tensor has other data than its shape says */
export function writeStats({ model, numbers, tensors }: Stats): Buffer {
  const listed = Object.entries(tensors);
  const header = { v: 1, model, numbers, tensors: listed.map(([one, { dims }]) => ({ name: one, dims: [...dims] })) };
  const parts: Buffer[] = [Buffer.from(`${JSON.stringify(headerSchema.parse(header))}\n`, 'utf8')];
  for (const [one, { dims, data }] of listed) {
    if (sizeOf(dims) !== data.length) throw new ModelError('statsInvalid', `${one} has ${data.length} numbers`);
    const bytes = Buffer.alloc(4 * data.length);
    for (const [i, value] of data.entries()) bytes.writeFloatLE(value, 4 * i);
    parts.push(bytes);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([body, sha256(body)]);
}

/**
 * @param model the file must have been taught with this `id@version`
 * @throws ModelError `statsInvalid`
 */
export function readStats(file: Buffer, model: string): Stats {
  if (file.length > mostStatsBytes) throw new ModelError('statsInvalid', `${file.length} bytes are too many`);
  const body = file.subarray(0, Math.max(0, file.length - hashBytes));
  if (!sha256(body).equals(file.subarray(body.length))) throw new ModelError('statsInvalid', 'its check sum is wrong');
  const end = body.subarray(0, mostHeaderBytes).indexOf('\n');
  const header = headerSchema.safeParse(end < 0 ? null : jsonOf(body.subarray(0, end).toString('utf8')));
  if (!header.success) throw new ModelError('statsInvalid', 'its header cannot be read');
  if (header.data.model !== model) {
    throw new ModelError('statsInvalid', `it was taught with ${header.data.model}, and ${model} is in use`);
  }
  const tensors: Record<string, NamedTensor> = {};
  let at = end + 1;
  for (const { name: one, dims } of header.data.tensors) {
    const size = sizeOf(dims);
    if (at + 4 * size > body.length) throw new ModelError('statsInvalid', `${one} ends behind the file`);
    const data = Float32Array.from({ length: size }, (_, i) => body.readFloatLE(at + 4 * i));
    tensors[one] = { dims, data };
    at += 4 * size;
  }
  if (at !== body.length) throw new ModelError('statsInvalid', 'there is more in it than it says');
  return { model, numbers: header.data.numbers, tensors };
}

const sizeOf = (dims: readonly number[]) => dims.reduce((size, dim) => size * dim, 1);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
