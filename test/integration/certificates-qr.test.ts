/** The QR code of `selvedge cert`, painted as a terminal shows it and read by another program (zbarimg). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fingerprintOf, readKept } from '../../agent/certificates/files.ts';
import { drawQr } from '../../agent/certificates/qr.ts';
import { repository } from '../check/files.ts';
import { requireProgram } from '../support/peers.ts';
import { temporaryDir, writeConfig } from './bad-input-rig.ts';

const modulePx = 6;
/** Of what stands around it on the screen, in modules. */
const around = 6;

interface Screen {
  /** Brightness 0 to 255 of what is written and of what it is written on, where nothing else is said. */
  readonly ink: number;
  readonly paper: number;
}
const dark: Screen = { ink: 230, paper: 20 };
const light: Screen = { ink: 20, paper: 250 };

/** Rows of brightness, two for a line of text: half blocks, and the two colours (SGR) that the drawing uses. */
function painted(text: string, screen: Screen): number[][] {
  const rows: number[][] = [];
  let { ink, paper } = screen;
  for (const line of text.split('\n')) {
    const [upper, lower]: [number[], number[]] = [[], []];
    for (const [sign, codes] of line.matchAll(/\p{Cc}\[([\d;]*)m|./gu)) {
      if (codes === undefined) {
        assert.ok('█▀▄ '.includes(sign), `a terminal may show ${JSON.stringify(sign)} in another width`);
        upper.push(sign === '█' || sign === '▀' ? ink : paper);
        lower.push(sign === '█' || sign === '▄' ? ink : paper);
      } else if (codes === '97;40') [ink, paper] = [255, 0];
      else if (codes === '0') ({ ink, paper } = screen);
      else assert.fail(`colours ${codes}`);
    }
    rows.push(upper, lower);
  }
  return rows;
}

/** What zbarimg reads of a screen with these modules on it, each text once; a portable grey map in between. */
function decoded(dir: string, modules: readonly (readonly number[])[], { paper }: Screen): string[] {
  const widest = Math.max(...modules.map((row) => row.length));
  const [width, height] = [(widest + 2 * around) * modulePx, (modules.length + 2 * around) * modulePx];
  const pixels = Buffer.alloc(width * height);
  for (let y = 0; y < height; y++) {
    const row = modules[Math.floor(y / modulePx) - around];
    for (let x = 0; x < width; x++) pixels[y * width + x] = row?.[Math.floor(x / modulePx) - around] ?? paper;
  }
  const file = join(dir, 'screen.pgm');
  writeFileSync(file, Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), pixels]));
  const { stdout } = spawnSync('zbarimg', ['--raw', '--quiet', file], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}

function hasDecoder(t: TestContext): boolean {
  return requireProgram(t, 'zbarimg');
}

test('the code that `selvedge cert` shows leads to the page, with the fingerprint of its authority', (t) => {
  if (!hasDecoder(t)) return;
  const dir = temporaryDir(t);
  writeConfig(dir, { page: { bind: '0.0.0.0', port: 8440, names: ['gateway-2.local', '192.168.10.2'] } });
  const { stdout, status } = spawnSync(
    join(repository, 'agent/bin/selvedge'),
    ['cert', 'init', '--config', join(dir, 'agent.yaml')],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0);
  const code = stdout
    .split('\n')
    .filter((line) => /^[█▀▄ ]{20,}$/.test(line))
    .join('\n');
  const { authority } = readKept(join(dir, 'agent'));
  assert.ok(typeof authority !== 'string');
  assert.deepEqual(decoded(dir, painted(code, dark), dark), [
    `https://gateway-2.local:8440/#ca-sha256=${fingerprintOf(authority.certPem)}`,
  ]);
});

test('with colours it is read from a dark and from a light terminal (Q1), and has four light modules around it (Q2)', async (t) => {
  if (!hasDecoder(t)) return;
  const dir = temporaryDir(t);
  const texts = [
    `https://g.local/#ca-sha256=${'0F'.repeat(32)}`,
    `https://[fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535/#ca-sha256=${'A7'.repeat(32)}`,
    `https://${`${'a'.repeat(60)}.`.repeat(4)}local:8440/#ca-sha256=${'3C'.repeat(32)}`,
  ];
  for (const text of texts) {
    const drawn = await drawQr(text, true);
    for (const screen of [dark, light]) assert.deepEqual(decoded(dir, painted(drawn, screen), screen), [text]);
    assert.deepEqual(decoded(dir, painted(await drawQr(text), dark), dark), [text]);
    const rows = painted(drawn, light);
    const isLight = (row: readonly number[]) => row.every((one) => one === 255);
    const edges = [...rows.slice(0, 4), ...rows.slice(-4), ...rows.flatMap((row) => [row.slice(0, 4), row.slice(-4)])];
    assert.ok(edges.every(isLight));
    assert.equal(new Set(rows.map((row) => row.length)).size, 1, 'a rectangle');
  }
});
