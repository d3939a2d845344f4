/**
 * 400,000 mutated frames through the receivers of serial lines: no crash, no hang, no leak, and no wrong value called good.
 *
 * What a check promises is demanded without exception: one byte that is wrong, lost or put in, or a burst of eight bits, is never
 * believed under a BCC; a burst of sixteen bits never under a CRC-16. Two troubles in one frame fit a BCC by chance once in 256, and
 * their share is measured. Lines of text have no check at all: of them it is demanded that a value is whole, and never of another field.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded } from '../../../drivers/decoded.ts';
import { driveSignals } from '../../../drivers/efka/decode.ts';
import { answerIn } from '../../../drivers/efka/line.ts';
import { loadProfile, parseProfile } from '../../../drivers/profiles/load.ts';
import type { FixedFormat } from '../../../drivers/profiles/serial.ts';
import { FixedFramer } from '../../../drivers/serial/fixed.ts';
import { LineFramer } from '../../../drivers/serial/framer.ts';
import { Iso1745Framer, maxHeldBytes } from '../../../drivers/serial/iso1745.ts';
import { lineDecoder } from '../../../drivers/serial/line.ts';
import { patternDecoder } from '../../../drivers/serial/pattern.ts';
import { efkaAnswer } from './efka-peer.ts';
import { withCrc } from './modbus-peer.ts';
import { Random, runs, seed } from './modbus-random.ts';
import { lineProfileText } from './serial-profile.ts';

const frequent = [0x01, 0x02, 0x03, 0x05, 0x06, 0x15, 0x25, 0x3d, 0xf0, 0xf1, 0x0a, 0x2c];
const anyByte = (random: Random): number =>
  random.chance(0.4) ? (frequent[random.below(frequent.length)] ?? 0) : random.below(256);
const noise = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: random.below(most + 1) }, () => anyByte(random)));

function* cut(random: Random, bytes: Buffer): Generator<Buffer> {
  let at = 0;
  while (at < bytes.length) {
    const end = random.chance(0.5) ? bytes.length : Math.min(bytes.length, at + 1 + random.below(8));
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** One byte wrong, lost or put in, or a burst of eight bits over two bytes. */
function once(random: Random, frame: Buffer): Buffer {
  const at = random.below(frame.length);
  switch (random.below(4)) {
    case 0: {
      const wrong = Buffer.from(frame);
      wrong[at] = (wrong[at] ?? 0) ^ (1 + random.below(255));
      return wrong;
    }
    case 1:
      return Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1)]);
    case 2:
      return Buffer.concat([frame.subarray(0, at), Buffer.from([anyByte(random)]), frame.subarray(at)]);
    default: {
      const wrong = Buffer.from(frame);
      const shift = 1 + random.below(7);
      const burst = (1 + random.below(255)) << shift;
      const place = random.below(frame.length - 1);
      wrong[place] = (wrong[place] ?? 0) ^ (burst >> 8);
      wrong[place + 1] = (wrong[place + 1] ?? 0) ^ (burst & 0xff);
      return wrong;
    }
  }
}

const signals = driveSignals(loadProfile('sewing-efka-serial', []));
const parameters = [...new Set(signals.map(({ parameter }) => parameter)), 'E3'];

test('200,000 mutated answers of drives', { timeout: 120_000 }, (t) => {
  const random = new Random(seed);
  const count = runs(200_000);
  let believed = 0;
  let byChance = 0;
  let several = 0;
  for (let i = 0; i < count; i += 1) {
    const address = random.of(0xf0, 0xf1, 0xff);
    const parameter = parameters[random.below(parameters.length)] ?? '02';
    const value = random
      .below(random.chance(0.5) ? 256 : 65_536)
      .toString(16)
      .toUpperCase();
    const frame = efkaAnswer(address, `${parameter}=${value}`);
    let stream: Buffer;
    /** The BCC promises nothing here. */
    let isChance = false;
    switch (random.below(6)) {
      case 0:
      case 1:
        stream = once(random, frame);
        break;
      case 2:
        stream = frame.subarray(0, random.below(frame.length));
        break;
      case 3: {
        // Answers of others, and to other questions, around the right one or none.
        const other = parameters[(parameters.indexOf(parameter) + 1) % parameters.length] ?? '02';
        const strangers = [
          efkaAnswer(address === 0xf1 ? 0xf2 : 0xf1, `${parameter}=FFFF`),
          efkaAnswer(address, `${other}=FFFF`),
          Buffer.from([0x01, address, 0x02, ...Buffer.from(parameter), 0x05]),
        ];
        stream = Buffer.concat([strangers[random.below(3)] ?? frame, random.chance(0.5) ? frame : Buffer.alloc(0)]);
        break;
      }
      case 4:
        stream = once(random, once(random, frame));
        isChance = true;
        several += 1;
        break;
      default:
        stream = Buffer.concat([noise(random, 20), frame, random.chance(0.5) ? noise(random, 20) : Buffer.alloc(0)]);
    }
    const framer = new Iso1745Framer();
    let told = 0;
    let pushed = 0;
    /** As the line driver has it: an answer counts when nothing is thrown away behind it. */
    let found: string | null = null;
    const take = ({ frames, discards }: ReturnType<Iso1745Framer['push']>): void => {
      told += discards.reduce((sum, one) => sum + one.bytes, 0);
      for (const one of frames) {
        told +=
          one.kind === 'text'
            ? one.text.length + 5
            : one.kind === 'enquiry'
              ? one.text.length + 4
              : one.kind === 'error'
                ? one.digits + 3
                : 2;
        const answer = answerIn(one, { address, parameter });
        // A refusal has no value; a NAK among noise makes none good.
        if (answer?.kind === 'value') found ??= answer.value;
      }
    };
    for (const chunk of cut(random, stream)) {
      take(framer.push(chunk));
      pushed += chunk.length;
      if (told + framer.pendingBytes !== pushed) assert.fail(`run ${i} of seed ${seed}: bytes are lost`);
      if (framer.pendingBytes > 2 * maxHeldBytes) assert.fail(`run ${i} of seed ${seed}: holds ${framer.pendingBytes}`);
    }
    take(framer.end());
    if (told !== stream.length) assert.fail(`run ${i} of seed ${seed}: bytes are lost`);
    if (found === null || framer.lostSinceText > 0) continue;
    if (found === value) believed += 1;
    else if (isChance) byChance += 1;
    else assert.fail(`run ${i} of seed ${seed}: believed ${String(found)} for ${value} in ${stream.toString('hex')}`);
    for (const signal of signals) {
      const decoded: Decoded | null = signal.parameter === parameter ? signal.decode(found) : null;
      if (decoded?.quality === 'good' && typeof decoded.value === 'number' && !Number.isFinite(decoded.value)) {
        assert.fail(`run ${i} of seed ${seed}: ${signal.signal} is ${decoded.value}`);
      }
    }
  }
  assert.ok(believed > count / 8, `${believed} right answers were found`);
  assert.ok(byChance <= 5 + several / 64, `${byChance} of ${several} twice damaged answers fit by chance`);
  t.diagnostic(
    `${count} answers, seed ${seed}: ${believed} believed, ${byChance} of ${several} twice damaged fit by chance`,
  );
});

test('100,000 mutated frames of a fixed length with a CRC', { timeout: 120_000 }, (t) => {
  const random = new Random(seed + 1);
  const count = runs(100_000);
  const format: FixedFormat = { bytes: 10, start: 'AA', checksum: { kind: 'crc16-modbus', at: 8, from: 0 } };
  let believed = 0;
  let byChance = 0;
  for (let i = 0; i < count; i += 1) {
    const frame = withCrc(Buffer.from([0xaa, ...Array.from({ length: 7 }, () => random.below(256))]));
    let stream: Buffer;
    let isChance = false;
    switch (random.below(3)) {
      case 0: {
        stream = Buffer.from(frame);
        const from = random.below(frame.length * 8 - 16);
        for (let bit = 0; bit < 16; bit += 1) {
          const at = from + bit;
          if (bit === 0 || random.chance(0.5)) stream[at >> 3] = (stream[at >> 3] ?? 0) ^ (1 << (at & 7));
        }
        break;
      }
      case 1:
        stream = frame.subarray(0, random.below(frame.length));
        break;
      default:
        stream = Buffer.concat([noise(random, 30), frame, noise(random, 30)]);
        isChance = true;
    }
    const framer = new FixedFramer(format);
    let told = 0;
    for (const chunk of cut(random, stream)) {
      const { lines, discards } = framer.push(chunk);
      told += lines.length * format.bytes + discards.reduce((sum, one) => sum + one.bytes, 0);
      for (const line of lines) {
        if (line === frame.toString('latin1')) believed += 1;
        else if (isChance) byChance += 1;
        else assert.fail(`run ${i} of seed ${seed}: believed ${stream.toString('hex')}`);
      }
      if (framer.pendingBytes > 2 * format.bytes) assert.fail(`run ${i} of seed ${seed}: holds too much`);
    }
    told += framer.reset().reduce((sum, one) => sum + one.bytes, 0);
    if (told !== stream.length) assert.fail(`run ${i} of seed ${seed}: bytes are lost`);
  }
  assert.ok(believed > count / 5, `${believed} frames were found`);
  assert.ok(byChance <= 5 + count / 10_000, `${byChance} fit by chance`);
  t.diagnostic(`${count} frames, seed ${seed}: ${believed} believed, ${byChance} fit by chance`);
});

const csv = loadProfile('sewing-retrofit-csv', []);
const pattern = String.raw`N(?<stitches>\d+) S(?<speed>\d+) T(?<temp>-?\d+\.\d)`;
const byPattern = parseProfile(
  lineProfileText(
    `pattern: '${pattern}', maxLineBytes: 64`,
    `  stitch.total: { kind: counter, unit: C62, wrapsAt: 4294967296, maxRatePerS: 100, from: { group: stitches } }
  spindle.speed: { kind: gauge, unit: RPM, range: [0, 10000], from: { group: speed } }
  head.temp: { kind: gauge, unit: CEL, range: [-40, 150], from: { group: temp } }`,
  ),
  'x',
);

for (const [name, profile, line] of [
  ['fields', csv, (r: Random) => `${r.below(65_536)},${r.below(100)}.5,1.27,80,55,${r.below(1e9)},${r.below(6000)}`],
  ['a pattern', byPattern, (r: Random) => `N${r.below(1e9)} S${r.below(6000)} T${r.below(100)}.5`],
] as const) {
  test(`50,000 mutated lines of ${name}`, { timeout: 120_000 }, (t) => {
    const random = new Random(seed + 2);
    const count = runs(50_000);
    const format = profile.line ?? assert.fail();
    const decoder =
      format.pattern === undefined ? lineDecoder(profile, format) : patternDecoder(profile, format.pattern);
    let believed = 0;
    for (let i = 0; i < count; i += 1) {
      const before = line(random);
      const sent = line(random);
      const behind = line(random);
      const middle = once(random, Buffer.from(`${sent}\n`));
      const stream = Buffer.concat([Buffer.from(`\n${before}\n`), middle, Buffer.from(`${behind}\n${behind}\n`)]);
      const framer = new LineFramer(format);
      const lines = [...cut(random, stream)].flatMap((chunk) => framer.push(chunk).lines);
      if (framer.pendingBytes > format.maxLineBytes + 1) assert.fail(`run ${i} of seed ${seed}: holds too much`);
      if (lines[0] !== before || lines.at(-1) !== behind) assert.fail(`run ${i} of seed ${seed}: a neighbour is lost`);
      for (const text of lines) {
        const decoded = decoder.decode(text);
        if (decoded.kind === 'discarded') continue;
        believed += 1;
        for (const { decoded: one } of decoded.values) {
          // What is believed is written out in the line, not put together or cut off.
          const isWritten =
            one.quality === 'bad' || text.includes(String(one.value)) || text.includes(`0${String(one.value)}`);
          const isOtherSpelling = one.quality !== 'bad' && /[+.eE]/.test(text);
          if (!isWritten && !isOtherSpelling)
            assert.fail(`run ${i} of seed ${seed}: ${JSON.stringify(one)} of ${text}`);
        }
      }
    }
    assert.ok(believed > 2 * count, `${believed} lines were found`);
    t.diagnostic(`${count} lines, seed ${seed}: ${believed} believed`);
  });
}
