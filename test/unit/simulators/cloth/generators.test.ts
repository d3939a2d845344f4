/** The two generators beside each other: they share no code, differ as cloths differ, and both keep to the gauge they are told. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createStripMaker } from '../../../../simulators/cloth/strips.ts';
import { createStripMakerB } from '../../../../simulators/cloth-b/strips.ts';
import { classesOf, cloths, type Cloth, type Fabric } from '../../../../simulators/dataset/fabric.ts';

const size = { widthPx: 1024, heightPx: 256 };
const small = { widthPx: 512, heightPx: 160 };
const rooms = join(import.meta.dirname, '../../../../simulators');
const makers = { a: createStripMaker, b: createStripMakerB } as const;

const fabricOf = (cloth: Cloth): Fabric => ({
  id: `t-${cloth}`,
  cloth,
  pxPerMm: cloth === 'seam' ? 20 : 9,
  tone: 0.7,
  unevenness: 1,
  diameterInch: 30,
  gauge: 28,
  feeders: 24,
  coursesPerCm: 18,
  endsPerCm: 16,
  picksPerCm: 15,
  stitchMm: 2.5,
  edges: false,
});

test('generator b shares no code with a: it imports itself and the words of a data set alone, and a imports nothing of b', () => {
  const imports = (folder: string): string[] =>
    readdirSync(join(rooms, folder)).flatMap((file) =>
      [
        ...readFileSync(join(rooms, folder, file), 'utf8').matchAll(
          /^(?:import|export) (type )?[^;]*? from '([^']+)';/gm,
        ),
      ]
        .filter(([, , from = '']) => !from.startsWith('./'))
        .map(([, type, from]) => `${type === undefined ? '' : 'type '}${from}`),
    );
  const ofB = imports('cloth-b');
  assert.ok(ofB.length > 0);
  for (const from of ofB) assert.match(from, /^type \.\.\/dataset\/(?:fabric|strip)\.ts$/);
  for (const from of imports('cloth')) assert.doesNotMatch(from, /cloth-b/);
});

test('b: the same arguments give the same bytes, and the mask is where a strip differs from itself without the defect', () => {
  for (const cloth of cloths) {
    const fabric = fabricOf(cloth);
    const make = createStripMakerB(fabric, 3, small);
    for (const [i, wanted] of classesOf[cloth].entries()) {
      const good = make(i, null);
      const bad = make(i, wanted);
      const mask = bad.mask ?? new Uint8Array();
      let set = 0;
      for (const [at, value] of bad.pixels.entries()) {
        if ((mask[at] ?? 0) > 0) set += 1;
        else if (Math.abs(value - (good.pixels[at] ?? 0)) > 9)
          assert.fail(`${cloth} ${wanted}: ${Math.abs(value - (good.pixels[at] ?? 0))} outside the mask at ${at}`);
      }
      assert.ok(set >= 40, `${cloth} ${wanted}: ${set} px`);
      if (i === 0) assert.deepEqual(createStripMakerB(fabric, 3, small)(i, wanted), bad);
    }
  }
});

/** Power of a signal whose length is a power of two, by Cooley and Tukey; bins 0 to n / 2. */
function power(signal: readonly number[]): number[] {
  const n = signal.length;
  const re = Float64Array.from(signal);
  const im = new Float64Array(n);
  for (let i = 1, j = 0; i < n; i += 1) {
    let bit = n >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j]] = [re[j] ?? 0, re[i] ?? 0];
  }
  for (let half = 1; half < n; half *= 2) {
    for (let start = 0; start < n; start += 2 * half) {
      for (let k = 0; k < half; k += 1) {
        const angle = (-Math.PI * k) / half;
        const [a, b] = [start + k, start + k + half];
        const [wr, wi] = [Math.cos(angle), Math.sin(angle)];
        const tr = wr * (re[b] ?? 0) - wi * (im[b] ?? 0);
        const ti = wr * (im[b] ?? 0) + wi * (re[b] ?? 0);
        re[b] = (re[a] ?? 0) - tr;
        im[b] = (im[a] ?? 0) - ti;
        re[a] = (re[a] ?? 0) + tr;
        im[a] = (im[a] ?? 0) + ti;
      }
    }
  }
  return Array.from({ length: n / 2 + 1 }, (_, k) => (re[k] ?? 0) ** 2 + (im[k] ?? 0) ** 2);
}

/** Mean power spectrum of many lines, each less its mean and under a Hann window. */
function spectrum(lines: readonly (readonly number[])[]): number[] {
  const sums: number[] = [];
  for (const line of lines) {
    const mean = line.reduce((a, b) => a + b, 0) / line.length;
    const windowed = line.map((v, i) => (v - mean) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / line.length)));
    for (const [k, value] of power(windowed).entries()) sums[k] = (sums[k] ?? 0) + value;
  }
  return sums;
}
const rowsOf = (pixels: Uint8Array): number[][] =>
  Array.from({ length: size.heightPx }, (_, y) => [...pixels.subarray(y * size.widthPx, (y + 1) * size.widthPx)]);
const columnsOf = (pixels: Uint8Array): number[][] =>
  Array.from({ length: size.widthPx }, (_, x) =>
    Array.from({ length: size.heightPx }, (_, y) => pixels[y * size.widthPx + x] ?? 0),
  );

/** The strongest bin within a tenth of where a period is expected, and how far it stands above what is half way to its neighbours. */
function peak(bins: readonly number[], expected: number): { at: number; above: number } {
  let at = Math.round(expected);
  for (let k = Math.ceil(expected * 0.9); k <= expected * 1.1; k += 1) if ((bins[k] ?? 0) > (bins[at] ?? 0)) at = k;
  const around = [0.7, 0.75, 0.8, 1.2, 1.25, 1.3]
    .map((share) => bins[Math.round(expected * share)] ?? 0)
    .sort((a, b) => a - b);
  return { at, above: (bins[at] ?? 0) / ((around[2] ?? 0) || 1) };
}

// Periods in pixels, by hand: a wale is 25.4 mm / 28 · 0.85, a course 10 mm / 18, an end 10 mm / 16, a pick 10 mm / 15; 9 px a mm.
for (const name of ['a', 'b'] as const) {
  test(`${name}: the loops of a jersey stand at the pitch of the gauge, in both directions`, () => {
    const { pixels } = makers[name](fabricOf('single-jersey'), 5, size)(2, null);
    const wales = peak(spectrum(rowsOf(pixels)), size.widthPx / (0.771_071 * 9));
    assert.ok(
      Math.abs(wales.at - 147.6) <= 2 && wales.above > 20,
      `bin ${wales.at}, ${wales.above} × its surroundings`,
    );
    const courses = peak(spectrum(columnsOf(pixels)), size.heightPx / (0.555_556 * 9));
    assert.ok(Math.abs(courses.at - 51.2) <= 1 && courses.above > 20, `bin ${courses.at}, ${courses.above} ×`);
  });
  test(`${name}: a plain weave repeats every two ends and every two picks`, () => {
    const { pixels } = makers[name](fabricOf('plain'), 5, size)(2, null);
    const ends = peak(spectrum(rowsOf(pixels)), size.widthPx / (2 * 0.625 * 9));
    assert.ok(Math.abs(ends.at - 91.0) <= 1.5 && ends.above > 5, `bin ${ends.at}, ${ends.above} ×`);
    const picks = peak(spectrum(columnsOf(pixels)), size.heightPx / (2 * 0.666_667 * 9));
    assert.ok(Math.abs(picks.at - 21.3) <= 1 && picks.above > 5, `bin ${picks.at}, ${picks.above} ×`);
  });
}

interface Statistics {
  readonly contrast: number;
  readonly skew: number;
  /** Likeness of neighbours, across and along. */
  readonly across: number;
  readonly along: number;
  readonly kurtosis: number;
  /** How much rows and columns differ as wholes. */
  readonly rows: number;
  readonly columns: number;
}
function statistics(pixels: Uint8Array): Statistics {
  const n = pixels.length;
  const mean = pixels.reduce((a, b) => a + b, 0) / n;
  let [m2, m3, m4, across, along] = [0, 0, 0, 0, 0];
  const rows = new Float64Array(size.heightPx);
  const columns = new Float64Array(size.widthPx);
  for (let i = 0; i < n; i += 1) {
    const d = (pixels[i] ?? 0) - mean;
    m2 += d * d;
    m3 += d * d * d;
    m4 += d ** 4;
    const [x, y] = [i % size.widthPx, Math.floor(i / size.widthPx)];
    rows[y] = (rows[y] ?? 0) + d / size.widthPx;
    columns[x] = (columns[x] ?? 0) + d / size.heightPx;
    across += d * ((pixels[i + 1] ?? mean) - mean);
    along += d * ((pixels[i + size.widthPx] ?? mean) - mean);
  }
  const sigma = Math.sqrt(m2 / n);
  const swing = (sums: Float64Array): number => Math.sqrt(sums.reduce((a, b) => a + b * b, 0) / sums.length) / mean;
  return {
    contrast: sigma / mean,
    skew: m3 / n / sigma ** 3,
    kurtosis: m4 / n / sigma ** 4,
    across: across / m2,
    along: along / m2,
    rows: swing(rows),
    columns: swing(columns),
  };
}

test('a and b differ as cloths: taken together seven statistics lie further apart than strips of either do, for every cloth', () => {
  for (const cloth of ['single-jersey', 'plain', 'twill'] as const) {
    const of = (name: 'a' | 'b') => {
      const make = makers[name](fabricOf(cloth), 9, size);
      return Array.from({ length: 4 }, (_, i) => statistics(make(i, null).pixels));
    };
    const [a, b] = [of('a'), of('b')];
    const keys = ['contrast', 'skew', 'kurtosis', 'across', 'along', 'rows', 'columns'] as const;
    const mean = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0) / values.length;
    const spread = (values: readonly number[]): number => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
    const apart = keys.map((key) => {
      const [ofA, ofB] = [a.map((s) => s[key]), b.map((s) => s[key])];
      return (mean(ofA) - mean(ofB)) / Math.max(spread(ofA), spread(ofB));
    });
    // Strips of one generator are about 1.5 of their own spreads apart in each of seven: 4 in all.
    const distance = Math.hypot(...apart);
    assert.ok(distance > 5, `${cloth}: ${distance}: ${apart.map((d) => d.toFixed(1)).join(' ')}`);
  }
});
