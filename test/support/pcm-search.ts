/**
 * Looks for sound in files: the highest normalised cross-correlation of pieces of a known sound with everything the bytes could be, as
 * samples of 16 or 32 bits or as floats, in either order of bytes and from any byte on.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { fourier } from '../../models/statistics/fourier.ts';

/** Samples of a piece: 0.17 s at 48 kHz, so long that nothing else is like it by chance. */
export const pieceSamples = 8_192;
const size = 32_768;
const transform = fourier(size);

export interface Sought {
  readonly energy: number;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The loudest pieces of a sound, an even number of them. */
export function soughtIn(sound: Float32Array, pieces = 4): Sought[] {
  const starts = Array.from({ length: Math.floor(sound.length / pieceSamples) }, (_, i) => i * pieceSamples);
  const energyAt = (from: number) => sound.subarray(from, from + pieceSamples).reduce((sum, v) => sum + v * v, 0);
  const loudest = starts.toSorted((a, b) => energyAt(b) - energyAt(a)).slice(0, pieces);
  return loudest.map((from) => {
    const piece = sound.subarray(from, from + pieceSamples);
    const middle = piece.reduce((sum, v) => sum + v, 0) / pieceSamples;
    const re = new Float64Array(size);
    const im = new Float64Array(size);
    re.set(piece.map((v) => v - middle));
    const energy = re.reduce((sum, v) => sum + v * v, 0);
    transform(re, im);
    return { energy, re, im };
  });
}

/** Louder than any float that is a sample. */
const mostFloat = 8;
const float = (value: number) => (Math.abs(value) <= mostFloat ? value : 0);
const forms: readonly {
  readonly name: string;
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}[] = [true, false].flatMap((little) => {
  const order = little ? 'le' : 'be';
  return [
    { name: `s16${order}`, bytes: 2, read: (view: DataView, at: number) => view.getInt16(at, little) / 2 ** 15 },
    { name: `s32${order}`, bytes: 4, read: (view: DataView, at: number) => view.getInt32(at, little) / 2 ** 31 },
    { name: `f32${order}`, bytes: 4, read: (view: DataView, at: number) => float(view.getFloat32(at, little)) },
  ];
});
export const formNames = forms.map(({ name }) => name);

/** Bytes of a sound in one of the forms. */
export function pcmOf(sound: Float32Array, form: string): Buffer {
  const wide = form.startsWith('s16') ? 2 : 4;
  const bytes = Buffer.alloc(sound.length * wide);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = form.endsWith('le');
  for (const [i, value] of sound.entries()) {
    if (form.startsWith('s16')) view.setInt16(i * wide, Math.round(value * 32_767), little);
    else if (form.startsWith('s32')) view.setInt32(i * wide, Math.round(value * (2 ** 31 - 1)), little);
    else view.setFloat32(i * wide, value, little);
  }
  return bytes;
}

/** The highest correlation, 0 … 1, and as what. */
export function heardIn(bytes: Uint8Array, sought: readonly Sought[]): { readonly most: number; readonly as: string } {
  let best = { most: 0, as: 'nothing' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const { name, bytes: wide, read } of forms) {
    for (let offset = 0; offset < wide; offset += 1) {
      const samples = Math.floor((bytes.length - offset) / wide);
      if (samples < pieceSamples) continue;
      for (let from = 0; from < samples; from += size - pieceSamples) {
        const block = new Float64Array(size);
        const last = Math.min(size, samples - from);
        for (let i = 0; i < last; i += 1) block[i] = read(view, offset + wide * (from + i));
        const most = correlated(block, sought);
        if (most > best.most) best = { most, as: `${name} from byte ${offset + wide * from}` };
      }
    }
  }
  return best;
}

/** By plain steps: it runs for every byte that is kept, twenty times. */
function correlated(block: Float64Array, sought: readonly Sought[]): number {
  const { scale, floor } = scalesOf(block);
  if (floor === 0) return 0;
  const im = new Float64Array(size);
  const re = block;
  transform(re, im);
  const outRe = new Float64Array(size);
  const outIm = new Float64Array(size);
  let most = 0;
  for (let at = 0; at + 1 < sought.length; at += 2) {
    const [one, two] = [sought[at], sought[at + 1]];
    if (one === undefined || two === undefined) break;
    // Two at once: one is the real, the other the imaginary part of what comes back.
    multiply(re, im, one, two, outRe, outIm);
    transform(outRe, outIm);
    const [oneScale, twoScale] = [size * Math.sqrt(one.energy), size * Math.sqrt(two.energy)];
    for (let k = 0; k + pieceSamples <= size; k += 1) {
      const own = scale[k] as number;
      if (own < floor) continue;
      const first = Math.abs(outRe[k] as number) / oneScale;
      const second = Math.abs(outIm[k] as number) / twoScale;
      const higher = first > second ? first : second;
      if (higher * higher > most * most * own) most = higher / Math.sqrt(own);
    }
  }
  return most;
}

/** What was heard times the conjugates of both that are sought, as one; conjugated, so that the transform goes back. */
function multiply(
  re: Float64Array,
  im: Float64Array,
  { re: oneRe, im: oneIm }: Sought,
  { re: twoRe, im: twoIm }: Sought,
  outRe: Float64Array,
  outIm: Float64Array,
): void {
  for (let k = 0; k < size; k += 1) {
    const r = re[k] as number;
    const i = im[k] as number;
    const a = oneRe[k] as number;
    const b = oneIm[k] as number;
    const c = twoRe[k] as number;
    const d = twoIm[k] as number;
    outRe[k] = r * a + i * b - (i * c - r * d);
    outIm[k] = -(i * a - r * b + (r * c + i * d));
  }
}

/** Energy about its mean of each stretch as long as a piece; below `floor` it is lost in rounding. */
function scalesOf(block: Float64Array): { readonly scale: Float64Array; readonly floor: number } {
  const scale = new Float64Array(size);
  let sum = 0;
  let squares = 0;
  let all = 0;
  for (let i = 0; i < size; i += 1) {
    const value = block[i] as number;
    sum += value;
    squares += value * value;
    all += value * value;
    const from = i - pieceSamples + 1;
    if (from < 0) continue;
    scale[from] = squares - (sum * sum) / pieceSamples;
    const gone = block[from] as number;
    sum -= gone;
    squares -= gone * gone;
  }
  return { scale, floor: all * 1e-9 };
}

/** All that a folder holds: every file as it lies there, and of a database what its tables hold, in one piece each. */
export function bytesBelow(dir: string): { readonly name: string; readonly bytes: Buffer }[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      const bytes = readFileSync(path);
      const isDatabase = bytes.subarray(0, 15).toString('latin1') === 'SQLite format 3';
      return [{ name: path, bytes }, ...(isDatabase ? [{ name: `${path} (rows)`, bytes: rowsOf(path) }] : [])];
    });
}

function rowsOf(path: string): Buffer {
  const db = new BetterSqlite(path, { readonly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[];
    const parts = tables.flatMap((table) =>
      (db.prepare(`SELECT * FROM "${table}"`).raw().all() as unknown[][]).flatMap((row) =>
        row.map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value)))),
      ),
    );
    return Buffer.concat(parts);
  } finally {
    db.close();
  }
}
