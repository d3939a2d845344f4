/** `selvedge evaluate vision` as its user runs it, on cloth drawn here and, where there is some, on real cloth. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { drawStrip } from '../unit/models/strips.ts';
import { startVerb } from './verb.ts';
import { requireData } from '../support/data.ts';

interface Figures {
  readonly fabric: string;
  readonly seeds: number;
  readonly goodTiles: number;
  readonly defectTiles: number;
  readonly tileAuroc: number;
  readonly tileAurocSd: number;
  readonly pixelAuroc: number;
  readonly recallAt1pctFpr: number;
  readonly product: { readonly recall: number; readonly fpr: number };
}
interface Report {
  readonly fabrics: readonly Figures[];
  readonly macro: Omit<Figures, 'fabric' | 'seeds' | 'goodTiles' | 'defectTiles' | 'tileAurocSd'>;
  readonly msPerTile: { readonly p50: number; readonly p95: number };
  readonly msBare: { readonly p50: number };
  readonly seeds: number;
}
interface Score {
  readonly seed: number;
  readonly fabric: string;
  readonly image: string;
  readonly x: number;
  readonly score: number;
  readonly label: 0 | 1;
  readonly clothShare: number;
}

const folder = mkdtempSync(join(tmpdir(), 'selvedge-evaluate-'));
const data = join(folder, 'data');
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

/** Strips of 1024 px with the edge of the cloth at 200 and white beside it: 14 good, 2 with a hole at 600, 128, one without mask. */
before(async () => {
  for (const name of ['good', 'defect', 'mask']) mkdirSync(join(data, name), { recursive: true });
  const size = { width: 1024, height: 256 };
  const save = (pixels: Uint8Array, ...path: readonly string[]) =>
    sharp(pixels, { raw: { ...size, channels: 1 } })
      .png()
      .toFile(join(data, ...path));
  const strip = (seed: number) => {
    const { pixels } = drawStrip({ ...size, seed });
    for (let y = 0; y < 256; y += 1) pixels.fill(255, y * 1024, y * 1024 + 200);
    return pixels;
  };
  for (let i = 0; i < 14; i += 1) await save(strip(i), 'good', `g${i}_ab.png`);
  for (const i of [0, 1, 2]) {
    const pixels = strip(100 + i);
    const mask = new Uint8Array(pixels.length);
    for (let y = 120; y < 136; y += 1) {
      for (let x = 592; x < 608; x += 1) {
        pixels[y * 1024 + x] = 40;
        mask[y * 1024 + x] = 255;
      }
    }
    await save(pixels, 'defect', `d${i}_ab.png`);
    if (i < 2) await save(mask, 'mask', `d${i}_ab_mask1.png`);
  }
});

const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Score);

/** Share of pairs in the right order, by its definition. */
function byPairs(scores: readonly Score[]): number {
  const [faults, good] = [1, 0].map((label) => scores.filter((score) => score.label === label));
  let sum = 0;
  for (const a of faults ?? [])
    for (const b of good ?? []) sum += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
  return sum / ((faults?.length ?? 0) * (good?.length ?? 0));
}

test('a hole in drawn cloth is told from good cloth, and the figures are those of the scores', async (t) => {
  const file = join(folder, 'scores.jsonl');
  const { code, out, report } = await startVerb<Report>(
    t,
    'evaluate',
    'vision',
    '--data',
    data,
    '--seeds',
    '2',
    '--scores',
    file,
  ).ended;
  assert.equal(code, 0);
  assert.match(out, /ab /);
  assert.ok(report !== null);
  const [ab, ...others] = report.fabrics;
  assert.ok(ab !== undefined && others.length === 0);
  assert.deepEqual([ab.fabric, ab.seeds, report.seeds], ['ab', 2, 2]);
  const scores = linesOf(file);
  // 14 good strips, 11 taught: 3 held, each with the tiles at 256, 512 and 768; the tile at 0 is table.
  assert.equal(ab.goodTiles, 9);
  // The hole at 600 lies in one tile of each of the two masked strips; tiles of defect strips without a mask are left out.
  assert.equal(ab.defectTiles, 2);
  assert.equal(scores.length, 2 * (9 + 2));
  for (const { fabric, label, x, clothShare, image } of scores) {
    assert.equal(fabric, 'ab');
    assert.ok(
      label === 1 ? x === 512 && image.startsWith('d') : clothShare >= 0.9 && x >= 256 && image.startsWith('g'),
    );
  }
  const areas = [0, 1].map((seed) => byPairs(scores.filter((score) => score.seed === seed)));
  assert.ok(Math.abs(ab.tileAuroc - ((areas[0] ?? 0) + (areas[1] ?? 0)) / 2) < 1e-9);
  assert.ok(ab.tileAuroc > 0.99, `tile AUROC ${ab.tileAuroc}`);
  assert.ok(ab.pixelAuroc > 0.95, `pixel AUROC ${ab.pixelAuroc}`);
  assert.ok(ab.recallAt1pctFpr === 1 && ab.product.recall === 1);
  assert.equal(report.macro.tileAuroc, ab.tileAuroc);
  assert.ok(report.msPerTile.p50 > 0 && report.msPerTile.p95 >= report.msPerTile.p50 && report.msBare.p50 > 0);
});

test('the control: where the mask lies on good cloth nothing is found', async (t) => {
  const wrong = join(folder, 'wrong');
  for (const name of ['good', 'defect', 'mask']) mkdirSync(join(wrong, name), { recursive: true });
  for (let i = 0; i < 14; i += 1) {
    const name = i < 10 ? join('good', `g${i}_ab.png`) : join('defect', `g${i}_ab.png`);
    await sharp(join(data, 'good', `g${i}_ab.png`)).toFile(join(wrong, name));
    if (i >= 10) await sharp(join(data, 'mask', 'd0_ab_mask1.png')).toFile(join(wrong, 'mask', `g${i}_ab_mask.png`));
  }
  const { code, report } = await startVerb<Report>(t, 'evaluate', 'vision', '--data', wrong, '--seeds', '2').ended;
  assert.equal(code, 0);
  assert.ok((report?.macro.tileAuroc ?? 1) < 0.9, `tile AUROC ${report?.macro.tileAuroc}`);
});

test('wrong usage and images that cannot be used are told with a code', async (t) => {
  const told = async (...args: readonly string[]) => {
    const { code, err } = await startVerb(t, 'evaluate', ...args).ended;
    return `${code} ${err}`;
  };
  assert.match(await told('vision'), /^2 AGT-103/);
  assert.match(await told('sound', '--data', data), /^2 AGT-103/);
  assert.match(await told('vision', '--data', data, '--seeds', '0'), /^2 AGT-103/);
  assert.match(await told('vision', '--data', data, '--fabrics', 'zz'), /^2 AGT-103 .*zz/);
  assert.match(await told('vision', '--data', join(folder, 'nowhere')), /^2 AGT-100/);
});

test('on real woven cloth of three fabrics, one seed, the eye that ships keeps its figures', async (t) => {
  const aitex = requireData(t, 'fabric/aitex');
  if (aitex === null) return;
  const { code, report } = await startVerb<Report>(t, 'evaluate', 'vision', '--data', aitex, '--seeds', '1').ended;
  assert.equal(code, 0);
  assert.deepEqual(
    report?.fabrics.map(({ fabric }) => fabric),
    ['00', '01', '03'],
  );
  const macro = report?.macro;
  assert.ok(macro !== undefined);
  // One draw of the taught strips lies within some hundredths of the mean of ten (docs/models/vision.md).
  assert.ok(macro.tileAuroc > 0.94, `tile AUROC ${macro.tileAuroc}`);
  assert.ok(macro.recallAt1pctFpr > 0.7, `recall ${macro.recallAt1pctFpr}`);
  assert.ok(macro.product.fpr < 0.05, `false ${macro.product.fpr}`);
});
