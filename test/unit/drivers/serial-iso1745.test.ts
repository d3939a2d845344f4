import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { driveSignals, reasonOfError, valueOf } from '../../../drivers/efka/decode.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { Iso1745Framer, maxHeldBytes, type IsoFrame, type IsoFramed } from '../../../drivers/serial/iso1745.ts';
import { repository } from '../../check/files.ts';

interface Wire {
  readonly frames: readonly { readonly name: string; readonly bytes: string; readonly is: IsoFrame }[];
  readonly values: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
const wire = JSON.parse(readFileSync(join(repository, 'test/fixtures/wire/efka.json'), 'utf8')) as Wire;
const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** An answer, its check formed here by hand. */
function answer(address: number, text: string): Buffer {
  const covered = [address, 0x02, ...Buffer.from(text, 'latin1'), 0x03];
  return Buffer.from([0x01, ...covered, covered.reduce((check, byte) => check ^ byte, 0)]);
}

function pushAll(parts: readonly Uint8Array[]): IsoFramed {
  const framer = new Iso1745Framer();
  const all = [...parts.map((part) => framer.push(part)), framer.end()];
  return { frames: all.flatMap((one) => one.frames), discards: all.flatMap((one) => one.discards) };
}

function cutAt(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [...cuts, whole.length].map((end, index) => whole.subarray(index === 0 ? 0 : (cuts[index - 1] ?? 0), end));
}

const places = fc.array(fc.nat({ max: 5_000 }), { maxLength: 20 });
const drives = fc.constantFrom(0xf0, 0xf1, 0xfe);
const answers = fc.array(fc.tuple(drives, fc.stringMatching(/^[0-9A-F]{2}=\$?[0-9A-F]{1,6}$/)), {
  minLength: 3,
  maxLength: 12,
});
/** Noise in which control characters are frequent, and now and then a whole frame. */
const noise = fc
  .array(
    fc.oneof(
      fc.nat({ max: 255 }).map((byte) => [byte]),
      fc.constantFrom([1], [2], [3], [5], [0x15], [0xf0], [0x25], [0x25, 0x46, 0x30, 0x31]),
      fc.constant([...answer(0xf0, '02=A0')]),
    ),
    { maxLength: 200 },
  )
  .map((parts) => Buffer.from(parts.flat()));

for (const { name, bytes, is } of wire.frames) {
  test(`telegram: ${name}`, () => {
    assert.deepEqual(pushAll([bytesOf(bytes)]), { frames: [is], discards: [] });
  });
}

test('the values of answers, by the shipped profile', () => {
  const signals = driveSignals(loadProfile('sewing-efka-serial', []));
  for (const [text, expected] of Object.entries(wire.values)) {
    for (const [signal, value] of Object.entries(expected)) {
      const found = signals.find((one) => one.signal === signal) ?? assert.fail(signal);
      const raw = valueOf(text, found.parameter) ?? assert.fail(`${text} answers ${found.parameter}`);
      const decoded = found.decode(raw);
      if (typeof value === 'object' && value !== null && 'bad' in value)
        assert.deepEqual(decoded, { quality: 'bad', reason: value.bad }, `${signal} of ${text}`);
      else assert.deepEqual(decoded, { quality: 'good', value }, `${signal} of ${text}`);
    }
  }
});

test('an answer to one parameter is none to another, whatever it begins with', () => {
  assert.equal(valueOf('61=8CA', '61'), '8CA');
  for (const text of ['61', '6=8CA', '61 =8CA', '610=8CA', '62=8CA', '=61', ''])
    assert.equal(valueOf(text, '61'), null);
});

test('errors of the B18 link have names, and unknown ones stay visible', () => {
  assert.equal(reasonOfError(1), 'efka-parameter-unknown');
  assert.equal(reasonOfError(0x1b), 'efka-drive-busy');
  assert.equal(reasonOfError(0x7f), 'efka-error-7f');
  for (let code = 0; code < 256; code += 1) assert.match(reasonOfError(code), /^[a-z0-9-]+$/);
});

test('the cuts between chunks make no difference', () => {
  fc.assert(
    fc.property(noise, places, (stream, cuts) => {
      assert.deepEqual(pushAll(cutAt(stream, cuts)), pushAll([stream]));
    }),
  );
});

test('every byte ends in a frame, a counted discard or the bounded rest', () => {
  fc.assert(
    fc.property(noise, places, (stream, cuts) => {
      const framer = new Iso1745Framer();
      let told = 0;
      let pushed = 0;
      const count = ({ frames, discards }: IsoFramed): void => {
        for (const frame of frames) told += sizeOf(frame);
        for (const discard of discards) told += discard.bytes;
      };
      for (const part of cutAt(stream, cuts)) {
        count(framer.push(part));
        pushed += part.length;
        assert.equal(told + framer.pendingBytes, pushed);
        assert.ok(framer.pendingBytes <= 2 * maxHeldBytes);
      }
      count(framer.end());
      assert.equal(told, stream.length);
      assert.equal(framer.pendingBytes, 0);
    }),
  );
});

/** Errors of two digits and of four are not told apart by what they mean; the long form is the only one of seven bytes. */
function sizeOf(frame: IsoFrame): number {
  switch (frame.kind) {
    case 'text':
      return frame.text.length + 5;
    case 'enquiry':
      return frame.text.length + 4;
    case 'nak':
    case 'ack':
      return 2;
    case 'error':
      return frame.digits + 3;
  }
}

test('a byte changed, put in or lost costs at most one answer, and no answer is made of it', () => {
  const trouble = fc.record({
    kind: fc.constantFrom('change', 'insert', 'remove'),
    at: fc.nat({ max: 5_000 }),
    byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(1, 2, 3, 5, 0x15, 0xf0, 0x25)),
  });
  fc.assert(
    fc.property(answers, trouble, (sent, { kind, at, byte }) => {
      const stream = Buffer.concat(sent.map(([address, text]) => answer(address, text)));
      const place = at % stream.length;
      const put = kind === 'remove' ? [] : [byte];
      const behind = place + (kind === 'insert' ? 0 : 1);
      const disturbed = Buffer.concat([stream.subarray(0, place), Buffer.from(put), stream.subarray(behind)]);
      const keyOf = (frame: IsoFrame): string[] => (frame.kind === 'text' ? [`${frame.address} ${frame.text}`] : []);
      const got = pushAll([disturbed]).frames.flatMap(keyOf);
      const wanted = sent.map(([address, text]) => `${address} ${text}`);
      assert.ok(got.length >= wanted.length - 1, `${wanted.length - got.length} answers lost`);
      // What is left is what was sent, in its order, with at most one missing.
      let missing = 0;
      for (const key of wanted) if (got[wanted.indexOf(key) - missing] !== key && !got.includes(key)) missing += 1;
      assert.ok(missing <= 1);
      for (const key of got) assert.ok(wanted.includes(key), `${key} was never sent`);
    }),
    { numRuns: 2_000 },
  );
});
