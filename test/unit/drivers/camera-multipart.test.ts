import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { boundaryOf, MultipartParser, type MultipartProblem } from '../../../drivers/camera/multipart.ts';
import { heapBytes } from '../../support/heap.ts';
import { Random, runs, seed } from './modbus-random.ts';

const limits = { partBytes: 1_000, headerBytes: 200 };

interface Read {
  readonly parts: readonly { readonly headers: Record<string, string>; readonly body: string }[];
  readonly problem: MultipartProblem | null;
}

/** What comes of these bytes, cut where the test says. */
function read(pieces: readonly Uint8Array[], boundary = 'frame', bounds = limits): Read {
  const parts: { headers: Record<string, string>; body: string }[] = [];
  const parser = new MultipartParser(boundary, bounds, ({ headers, body }) =>
    parts.push({ headers: Object.fromEntries(headers), body: Buffer.from(body).toString('latin1') }),
  );
  let problem: MultipartProblem | null = null;
  for (const piece of pieces) problem = parser.push(piece) ?? problem;
  return { parts, problem };
}
const text = (...lines: readonly string[]) => Buffer.from(lines.join('\r\n'), 'latin1');
const bodies = (stream: Uint8Array, boundary?: string) => read([stream], boundary).parts.map(({ body }) => body);

test('the boundary stands in the Content-Type, with or without quotes; another type has none', () => {
  assert.equal(boundaryOf('multipart/x-mixed-replace;boundary=frame'), 'frame');
  assert.equal(boundaryOf('multipart/x-mixed-replace; boundary="a b"'), 'a b');
  assert.equal(boundaryOf('Multipart/X-Mixed-Replace; charset=x; boundary=--myboundary'), '--myboundary');
  assert.equal(boundaryOf('multipart/x-mixed-replace; boundary=frame; charset=x'), 'frame');
  for (const type of [
    undefined,
    '',
    'image/jpeg',
    'multipart/mixed; boundary=x',
    'multipart/x-mixed-replace',
    `multipart/x-mixed-replace; boundary=${'x'.repeat(71)}`,
  ]) {
    assert.equal(boundaryOf(type), null, String(type));
  }
});

test('parts with a length, by RFC 2046, with a preamble and an end', () => {
  const stream = text(
    'to be skipped',
    '--frame',
    'Content-Type: image/jpeg',
    'Content-Length: 12',
    'X-Timestamp: 1.5',
    '',
    'a\r\n--frame\r\n',
    '--frame',
    'Content-Length: 0',
    '',
    '',
    '--frame--',
    'nobody reads this',
  );
  assert.deepEqual(read([stream]), {
    parts: [
      {
        headers: { 'content-type': 'image/jpeg', 'content-length': '12', 'x-timestamp': '1.5' },
        body: 'a\r\n--frame\r\n',
      },
      { headers: { 'content-length': '0' }, body: '' },
    ],
    problem: null,
  });
});

test('parts without a length end where a line begins with the delimiter', () => {
  const stream = text(
    '--frame',
    '',
    'one',
    '--frame',
    '',
    'x--frame is no line of its own',
    '--frame',
    '',
    '\r\n',
    '--frame--',
  );
  assert.deepEqual(bodies(stream), ['one', 'x--frame is no line of its own', '\r\n']);
});

test('what cameras do: dashes in the boundary, LF alone, spaces behind the delimiter, no line end before it', () => {
  assert.deepEqual(bodies(text('--frame', '', 'one', '--frame', ''), '--frame'), ['one']);
  assert.deepEqual(bodies(Buffer.from('--frame\nContent-Length: 3\n\none\n--frame\n\ntwo\n--frame\n')), ['one', 'two']);
  assert.deepEqual(bodies(text('--frame  ', '', 'one', '--frame\t', '', '')), ['one']);
  assert.deepEqual(bodies(Buffer.from('--frame\r\nContent-Length: 3\r\n\r\none--frame\r\n')), ['one']);
});

test('P3: what is no such stream ends it with its reason, and nothing is told afterwards', () => {
  const ended = (stream: Buffer, problem: MultipartProblem, told: number) => {
    const good = text('', '--frame', 'Content-Length: 3', '', 'one', '--frame', '');
    const { parts, problem: found } = read([stream, good]);
    assert.deepEqual([found, parts.length], [problem, told], stream.toString('latin1').slice(0, 80));
  };
  const first = 'Content-Length: 3\r\n\r\n';
  ended(Buffer.from(`--frame\r\n${first}four\r\n--frame\r\n`), 'bad-delimiter', 1);
  ended(text('--framed', '', 'one'), 'bad-delimiter', 0);
  for (const header of [
    'no colon',
    'Content-Length: -1',
    'Content-Length: 1e3',
    'Content-Length: 9, 9',
    'Content-Length: 1\r\ncontent-length: 2',
    ' folded: x',
    'na me: x',
    'x: \x01',
  ]) {
    ended(text('--frame', header, '', ''), 'bad-headers', 0);
  }
  ended(text('--frame', ...Array.from({ length: 65 }, (_, n) => `a${n}:`), '', ''), 'headers-too-long', 0);
});

test('P2: a part, its headers and the preamble are bounded to the byte', () => {
  const part = (length: number) =>
    Buffer.concat([text('--frame', '', ''), Buffer.alloc(length, 'x'), text('', '--frame', '')]);
  assert.equal(read([part(1_000)]).parts[0]?.body.length, 1_000);
  assert.equal(read([part(1_001)]).problem, 'part-too-long');
  const announced = (length: number) => read([text('--frame', `Content-Length: ${length}`, '', '')]).problem;
  assert.deepEqual(
    [announced(1_000), announced(1_001), announced(99_999_999_999_999)],
    [null, 'part-too-long', 'part-too-long'],
  );
  assert.equal(read([Buffer.alloc(10_000, 'x')]).problem, 'headers-too-long');
  assert.equal(read([text('--frame', `a: ${'x'.repeat(10_000)}`)]).problem, 'headers-too-long');
});

// ——— any stream, any cuts ———

const body = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .array(fc.constantFrom('\r\n', '\n', '--frame', '--frame--', 'x', '-', '\r'), { maxLength: 12 })
    .map((all) => Buffer.from(all.join(''))),
);
const stream = fc.array(fc.record({ body, withLength: fc.boolean() }), { maxLength: 6 });
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 });

/** Written by hand from RFC 2046 §5.1.1; a part whose bytes look like a delimiter needs its length. */
function written(parts: readonly { readonly body: Uint8Array; readonly withLength: boolean }[]): {
  bytes: Buffer;
  bodies: string[];
} {
  const lines: Buffer[] = [];
  const bodies: string[] = [];
  for (const { body, withLength } of parts) {
    const raw = Buffer.from(body);
    const needsLength = withLength || `\n${raw.toString('latin1')}`.includes('\n--frame') || raw.at(-1) === 0x0d;
    lines.push(
      Buffer.from(`--frame\r\n${needsLength ? `Content-Length: ${raw.length}\r\n` : ''}\r\n`),
      raw,
      Buffer.from('\r\n'),
    );
    bodies.push(raw.toString('latin1'));
  }
  return { bytes: Buffer.concat([...lines, Buffer.from('--frame--\r\n')]), bodies };
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
}

test('P1: every well written stream gives its parts, however it is cut', () => {
  fc.assert(
    fc.property(stream, cuts, (parts, sizes) => {
      const { bytes, bodies } = written(parts);
      const whole = read([bytes]);
      assert.deepEqual([whole.parts.map((one) => one.body), whole.problem], [bodies, null]);
      assert.deepEqual(read(cut(bytes, sizes)), whole);
      assert.deepEqual(read(Array.from(bytes, (byte) => Uint8Array.of(byte))), whole);
    }),
    { numRuns: runs(2_000) },
  );
});

test(
  'P1, P2: a hundred thousand mutated streams: no crash, the same parts however cut, nothing longer than the limits',
  { timeout: 110_000 },
  (t) => {
    const random = new Random(seed + 11);
    const small = { partBytes: 80, headerBytes: 60 };
    const before = heapBytes();
    let [parts, problems] = [0, 0];
    for (let n = 0; n < runs(100_000); n += 1) {
      const bytes = mutated(random);
      const whole = read([bytes], 'frame', small);
      const sizes = Array.from({ length: 8 }, () => 1 + random.below(30));
      assert.deepEqual(
        read(cut(bytes, sizes), 'frame', small),
        whole,
        `${n}: ${JSON.stringify(bytes.toString('latin1'))}`,
      );
      for (const part of whole.parts) assert.ok(part.body.length <= small.partBytes);
      parts += whole.parts.length;
      if (whole.problem !== null) problems += 1;
    }
    t.diagnostic(`${parts} parts, ${problems} streams ended`);
    assert.ok(parts > 10_000 && problems > 10_000);
    assert.ok(heapBytes() - before < 20 * 1024 * 1024);
  },
);

function mutated(random: Random): Buffer {
  const pieces: string[] = [];
  for (let n = 0; n < 1 + random.below(4); n += 1) {
    const body = 'x'.repeat(random.below(100));
    const length = random.chance(0.5) ? `Content-Length: ${body.length + (random.chance(0.1) ? 1 : 0)}\r\n` : '';
    pieces.push(
      '--frame',
      '\r\n',
      length,
      random.chance(0.2) ? `A: ${'y'.repeat(random.below(80))}\r\n` : '',
      '\r\n',
      body,
      '\r\n',
    );
  }
  const bytes = Buffer.from(`${pieces.join('')}--frame${random.of('--', '\r\n', '')}`, 'latin1');
  for (let n = random.below(4); n > 0; n -= 1)
    bytes[random.below(bytes.length)] = random.of(0x0a, 0x0d, 0x2d, 0x00, 0xff, 0x3a);
  return random.chance(0.2) ? bytes.subarray(random.below(bytes.length)) : bytes;
}

test('P2: what is held never grows beyond a part, its headers and a piece', () => {
  const parser = new MultipartParser('frame', limits, () => undefined);
  const bytes = Buffer.concat(
    Array.from({ length: 200 }, () => Buffer.concat([text('--frame', '', ''), Buffer.alloc(900, 'x'), text('', '')])),
  );
  for (let at = 0; at < bytes.length; at += 100) {
    assert.equal(parser.push(bytes.subarray(at, at + 100)), null);
    assert.ok(parser.heldBytes <= limits.partBytes + 200, String(parser.heldBytes));
  }
});
