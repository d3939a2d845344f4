/** `selvedge simulate SCENARIO --dataset DIR` from outside: what lies in the folder, and what is refused. */
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { endFloor, runInside, startFloor } from './simulators-process.ts';

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-sim-data-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

const small = `version: 1
dataset: strips
fabrics:
  - { id: e28, cloth: single-jersey, good: 2, defect: 1, classes: [needle_line] }
  - { id: twill, cloth: twill, good: 1, defect: 1, edges: true }
`;

interface Truth {
  readonly version: number;
  readonly simulated: boolean;
  readonly generator: string;
  readonly seed: number;
  readonly strips: readonly {
    readonly file: string;
    readonly mask: string | null;
    readonly fabric: string;
    readonly defects: readonly {
      readonly class: string;
      readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
      readonly needle: number | null;
    }[];
  }[];
}
const truthOf = (folder: string): Truth => JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Truth;

/** Text chunks of a PNG, read by hand: length, type, data, CRC after a signature of 8 bytes (PNG, 5.3). */
function textsOf(png: Buffer): Record<string, string> {
  const texts: Record<string, string> = {};
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'tEXt') {
      const [key = '', text = ''] = png.toString('latin1', at + 8, at + 8 + length).split('\0');
      texts[key] = text;
    }
    at += 12 + length;
  }
  return texts;
}

/** Every file under a folder with its hash. */
function hashes(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(folder.length), createHash('sha256').update(readFileSync(file)).digest('hex')]),
  );
}

test('the verb writes strips, masks and truth, the same again from the same seed, and ends', async (t) => {
  const folder = scratch(t);
  const scenario = join(folder, 'small.yaml');
  writeFileSync(scenario, small);
  const first = join(folder, 'first');
  const verb = startFloor([scenario, '--dataset', first, '--seed', '7']);
  t.after(() => endFloor(verb));
  assert.deepEqual(await verb.event('written'), { event: 'written', dataset: first, generator: 'a', images: 5 });
  assert.deepEqual(await verb.ended, { code: 0, stderr: '' });
  assert.deepEqual(readdirSync(first).sort(), ['defect', 'good', 'mask', 'truth.json']);
  assert.deepEqual(readdirSync(join(first, 'good')).sort(), [
    '0001_000_e28.png',
    '0001_000_twill.png',
    '0002_000_e28.png',
  ]);
  assert.deepEqual(readdirSync(join(first, 'defect')).sort(), ['0002_hole_twill.png', '0003_needle-line_e28.png']);
  assert.deepEqual(readdirSync(join(first, 'mask')).sort(), [
    '0002_hole_twill_mask.png',
    '0003_needle-line_e28_mask.png',
  ]);

  const truth = truthOf(first);
  assert.deepEqual(
    [truth.version, truth.simulated, truth.generator, truth.seed, truth.strips.length],
    [1, true, 'a', 7, 5],
  );
  for (const strip of truth.strips) {
    const png = readFileSync(join(first, strip.file));
    assert.deepEqual(textsOf(png), { Software: 'selvedge simulate', 'selvedge-generator': 'a' });
    const { width, height, channels, depth } = await sharp(png).metadata();
    assert.deepEqual([width, height, channels, depth], [4096, 256, 1, 'uchar'], strip.file);
    assert.equal(strip.mask === null, strip.defects.length === 0);
    if (strip.mask === null) continue;
    const mask = await sharp(join(first, strip.mask)).extractChannel(0).raw().toBuffer();
    const box = strip.defects[0]?.box ?? { x: 0, y: 0, width: 0, height: 0 };
    const set = [...mask.entries()].filter(([, value]) => value > 0).map(([i]) => i);
    assert.ok(set.length >= 40, `${strip.mask}: ${set.length} px`);
    assert.ok(set.every((i) => mask[i] === 255 && i % 4096 >= box.x && i % 4096 < box.x + box.width));
  }
  assert.equal(typeof truth.strips.find(({ file }) => file.includes('needle-line'))?.defects[0]?.needle, 'number');

  const again = join(folder, 'again');
  assert.equal((await runInside([scenario, '--dataset', again, '--seed', '7']).ended).code, 0);
  assert.deepEqual(hashes(again), hashes(first));
  const other = join(folder, 'other');
  assert.equal((await runInside([scenario, '--dataset', other, '--seed', '8']).ended).code, 0);
  assert.notEqual(hashes(other)['/good/0001_000_e28.png'], hashes(first)['/good/0001_000_e28.png']);
});

test('what generator b draws says so in every file, and is not what a draws', async (t) => {
  const folder = scratch(t);
  const scenario = join(folder, 'one.yaml');
  const one = 'version: 1\ndataset: strips\nfabrics:\n  - { id: plain, cloth: plain, good: 1, defect: 1 }\n';
  writeFileSync(scenario, one);
  for (const generator of ['a', 'b']) {
    const out = join(folder, generator);
    assert.equal((await runInside([scenario, '--dataset', out, '--generator', generator]).ended).code, 0);
    assert.equal(truthOf(out).generator, generator);
    for (const file of Object.keys(hashes(out)).filter((file) => file.endsWith('.png')))
      assert.equal(textsOf(readFileSync(join(out, file)))['selvedge-generator'], generator, file);
  }
  const [a, b] = [hashes(join(folder, 'a')), hashes(join(folder, 'b'))];
  assert.deepEqual(Object.keys(a), Object.keys(b));
  for (const file of Object.keys(a)) assert.notEqual(a[file], b[file], file);
});

test('what is no data set, a folder in use and wrong fabrics are refused with one line each, exit 2', async (t) => {
  const folder = scratch(t);
  const scenario = join(folder, 'small.yaml');
  writeFileSync(scenario, small);
  const wrong = join(folder, 'wrong.yaml');
  writeFileSync(wrong, small.replace('[needle_line]', '[needle_line, broken_end]').replace('good: 1', 'good: -1'));
  for (const [args, pattern] of [
    [[scenario], /SIM-103 .*small\.yaml is a data set, not a floor: say where to with --dataset DIR/],
    [['demo', '--dataset', join(folder, 'x')], /SIM-103 demo is a floor, not a data set/],
    [[scenario, '--dataset', folder], /SIM-101 .* is not empty — do: .*new or empty folder/],
    [[scenario, '--dataset', join(scenario, 'x')], /SIM-101 cannot write/],
    [[scenario, '--dataset', join(folder, 'x'), '--generator', 'c'], /SIM-103 --generator is a or b, not c/],
    [
      [wrong, '--dataset', join(folder, 'x')],
      /SIM-102 wrong\.yaml:4:\d+ fabrics\.0\.classes\.1: single-jersey cannot have broken_end; .*\n.*wrong\.yaml:5:\d+ fabrics\.1\.good/,
    ],
  ] as const) {
    const { code, stderr } = await runInside(args).ended;
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
});

test('needle trials: a JPEG of all frames and what came with them for each, the truth apart', async (t) => {
  const folder = scratch(t);
  const scenario = join(folder, 'trials.yaml');
  writeFileSync(scenario, 'version: 1\ndataset: needle-trials\neach: 1\nclean: 1\nrevolutions: 2\n');
  const out = join(folder, 'out');
  assert.equal((await runInside([scenario, '--dataset', out, '--seed', '2']).ended).code, 0);
  const truth = JSON.parse(readFileSync(join(out, 'truth.json'), 'utf8')) as {
    readonly simulated: boolean;
    readonly trials: readonly { readonly id: string; readonly position: string; readonly truthNeedle: number | null }[];
  };
  assert.equal(truth.simulated, true);
  assert.deepEqual(
    truth.trials.map(({ id, truthNeedle }) => [id, truthNeedle === null]),
    ['index', 'encoder', 'telemetry'].flatMap((position) => [
      [`${position}-0001`, false],
      [`${position}-0002`, true],
    ]),
  );
  for (const file of [...truth.trials.map(({ id, position }) => `${position}/${id}`), 'teach/telemetry-0000']) {
    const input = JSON.parse(readFileSync(join(out, `${file}.json`), 'utf8')) as {
      readonly frames: readonly unknown[];
      readonly simulated: boolean;
    };
    assert.equal(input.simulated, true);
    const { format, width, height, channels } = await sharp(join(out, `${file}.jpg`)).metadata();
    // Two revolutions at 35 1/min and 16 frames a second are 55 frames; with an index the ring is above the cloth.
    assert.ok(Math.abs(input.frames.length - 55) <= 1, `${input.frames.length} frames`);
    const rows = file.startsWith('index/') ? 264 : 256;
    assert.deepEqual([format, width, height, channels], ['jpeg', 512, rows * input.frames.length, 1], file);
  }
  writeFileSync(scenario, 'version: 1\ndataset: needle-trials\neach: 1\nrevolutions: 20\nrowsPx: 256\n');
  assert.match((await runInside([scenario, '--dataset', out]).ended).stderr, /SIM-102 .*a JPEG has 65535 at most/);
});

test('stopped half way there is no truth.json, exit 2', async (t) => {
  const folder = scratch(t);
  const verb = startFloor(['cloth', '--dataset', join(folder, 'x')]);
  t.after(() => endFloor(verb));
  await verb.event('progress');
  verb.signal('SIGTERM');
  const { code, stderr } = await verb.ended;
  assert.equal(code, 2);
  assert.match(stderr, /has no truth\.json/);
  assert.ok(!readdirSync(join(folder, 'x')).includes('truth.json'));
});

test('--pictures draws what the camera of a floor sees of good cloth, the same for the same seed', async (t) => {
  const [once, again, other] = [scratch(t), scratch(t), scratch(t)];
  for (const [folder, seed] of [
    [once, '3'],
    [again, '3'],
    [other, '4'],
  ] as const) {
    const drawing = runInside(['demo', '--seed', seed, '--pictures', folder]);
    assert.deepEqual(await drawing.event('written'), { event: 'written', pictures: folder, images: 12 });
    assert.equal((await drawing.ended).code, 0);
  }
  const names = Array.from({ length: 12 }, (_, n) => `${String(n + 1).padStart(2, '0')}.jpg`);
  assert.deepEqual(readdirSync(join(once, 'ck-1')).toSorted(), names);
  const { format, width, height } = await sharp(join(once, 'ck-1/07.jpg')).metadata();
  assert.deepEqual([format, width, height], ['jpeg', 512, 256]);
  assert.deepEqual(hashes(once), hashes(again));
  assert.notDeepEqual(hashes(once), hashes(other));
  assert.equal(new Set(Object.values(hashes(once))).size, 12);
  assert.equal((await runInside(['demo', '--pictures', once]).ended).code, 2, 'nothing is written over');
});

interface SoundClips {
  readonly machines: readonly {
    readonly id: string;
    readonly kind: string;
    readonly cylinder: { readonly needles: number } | null;
  }[];
  readonly clips: readonly {
    readonly file: string;
    readonly role: string;
    readonly telemetry: readonly { readonly speed: number }[];
  }[];
}
interface SoundTruth {
  readonly generator: string;
  readonly share?: number;
  readonly clips: readonly {
    readonly file: string;
    readonly fault: { readonly kind: string; readonly severity: number } | null;
  }[];
}

/** A small data set of sound, written by the verb. */
async function soundOf(t: TestContext, part: string, generator: 'a' | 'b') {
  const folder = scratch(t);
  const scenario = join(folder, 'sound.yaml');
  writeFileSync(scenario, `version: 1\ndataset: sound-trials\nsnrDb: 3\npart: ${part}\n`);
  const out = join(folder, 'out');
  const { code } = await runInside([scenario, '--dataset', out, '--seed', '4', '--generator', generator]).ended;
  assert.equal(code, 0);
  const read = (name: string): unknown => JSON.parse(readFileSync(join(out, name), 'utf8'));
  return { out, told: read('clips.json') as SoundClips, truth: read('truth.json') as SoundTruth };
}

test(
  'trials of sound: what a gateway gets stands apart from the truth, and every file is a WAV as long as was asked',
  { timeout: 120_000 },
  async (t) => {
    const part = '{ of: faults, from: 1, trials: 1, enrol: 5, healthy: 1, faulty: 1, clipS: 2 }';
    const { out, told, truth } = await soundOf(t, part, 'b');
    assert.deepEqual(
      told.machines.map(({ id, kind }) => [id, kind]),
      [['m-1', 'knitting']],
    );
    assert.equal(truth.generator, 'b');
    const kinds = truth.clips.map(({ fault }) => fault?.kind ?? null);
    assert.deepEqual(kinds, [null, null, null, null, null, null, 'badNeedle', 'badFeeder', 'lackOfOil']);
    assert.deepEqual(
      told.clips.map(({ role }) => role),
      [...Array<string>(5).fill('enrol'), ...Array<string>(4).fill('judge')],
    );
    // What a gateway is told says nothing of faults.
    assert.doesNotMatch(readFileSync(join(out, 'clips.json'), 'utf8'), /fault|severity|badNeedle/);
    for (const { file, telemetry } of told.clips) {
      const wav = readFileSync(join(out, file));
      assert.equal(wav.length, 44 + 4 * 2 * 48_000);
      // By hand: RIFF, WAVE, format 3, one channel, 48 kHz.
      assert.deepEqual(
        [
          wav.toString('latin1', 0, 4),
          wav.toString('latin1', 8, 12),
          wav.readUInt16LE(20),
          wav.readUInt16LE(22),
          wav.readUInt32LE(24),
        ],
        ['RIFF', 'WAVE', 3, 1, 48_000],
      );
      assert.ok(telemetry.length >= 10 && telemetry.every(({ speed }) => speed > 0));
    }
  },
);

test('a needle trial with a pulse has it on the second channel', { timeout: 120_000 }, async (t) => {
  const { out, told, truth } = await soundOf(t, '{ of: needles, trials: 1, position: pulse }', 'a');
  const wav = readFileSync(join(out, told.clips[0]?.file ?? ''));
  assert.equal(wav.readUInt16LE(22), 2);
  assert.equal(truth.clips[0]?.fault?.kind, 'badNeedle');
  let above = 0;
  for (let at = 48; at < wav.length; at += 8) above += wav.readFloatLE(at) > 0.5 ? 1 : 0;
  const seconds = (wav.length - 44) / 8 / 48_000;
  // A pulse of a millisecond a revolution, 24 to 40 of them a minute and a few hundredths more or less.
  assert.ok(
    above > seconds * (22 / 60) * 40 && above < (seconds * (43 / 60) + 1) * 56,
    `${above} samples in ${seconds} s`,
  );
});
