import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ModelError } from '../../../models/errors.ts';
import { readStats, type Stats, writeStats } from '../../../models/stats-file.ts';

const model = 'fabric-anomaly@1.0.0';
const name = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,8}$/);
const tensor = fc
  .tuple(fc.nat({ max: 4 }), fc.nat({ max: 5 }))
  .chain(([a, b]) =>
    fc
      .array(fc.float({ noNaN: false }), { minLength: a * b, maxLength: a * b })
      .map((data) => ({ dims: [a, b], data: Float32Array.from(data) })),
  );
const stats: fc.Arbitrary<Stats> = fc.record({
  model: fc.constant(model),
  numbers: fc.dictionary(name, fc.double({ noNaN: true, noDefaultInfinity: true }), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  tensors: fc.dictionary(name, tensor, { maxKeys: 4, noNullPrototype: true }),
});
const refused = (error: unknown) => error instanceof ModelError && error.key === 'statsInvalid';

test('Q1: what was written is read back, bit for bit', () => {
  fc.assert(
    fc.property(stats, (given) => {
      const read = readStats(writeStats(given), model);
      assert.deepEqual(Object.keys(read.tensors), Object.keys(given.tensors));
      for (const [one, { dims, data }] of Object.entries(given.tensors)) {
        assert.deepEqual(read.tensors[one]?.dims, dims);
        assert.deepEqual(Buffer.from(read.tensors[one]?.data.buffer ?? []), Buffer.from(data.buffer));
      }
      // −0 has no spelling in JSON; it is 0.
      for (const [one, value] of Object.entries(given.numbers)) assert.ok((read.numbers[one] ?? NaN) === value);
    }),
  );
});

test('Q2: a changed, missing or added byte is refused', () => {
  const change = fc.record({ at: fc.nat(), kind: fc.constantFrom('flip', 'cut', 'add'), bit: fc.nat({ max: 7 }) });
  fc.assert(
    fc.property(stats, change, (given, { at, kind, bit }) => {
      const file = writeStats(given);
      const place = at % file.length;
      const damaged =
        kind === 'cut'
          ? file.subarray(0, place)
          : kind === 'add'
            ? Buffer.concat([file.subarray(0, place), Buffer.from([bit]), file.subarray(place)])
            : Buffer.from(file);
      if (kind === 'flip') damaged[place] = (damaged[place] ?? 0) ^ (1 << bit);
      assert.throws(() => readStats(damaged, model), refused);
    }),
  );
});

test('Q2: what another model was taught is refused, and so is a file with a right check sum and a wrong content', () => {
  const file = writeStats({ model, numbers: {}, tensors: {} });
  assert.throws(() => readStats(file, 'fabric-anomaly@1.1.0'), refused);
  const sealed = (body: Buffer) => Buffer.concat([body, createHash('sha256').update(body).digest()]);
  const header = (more: object) =>
    Buffer.from(`${JSON.stringify({ v: 1, model, numbers: {}, tensors: [], ...more })}\n`);
  assert.deepEqual(readStats(sealed(header({})), model).tensors, {});
  for (const body of [
    Buffer.from('no line'),
    Buffer.from('{}\n'),
    header({ v: 2 }),
    header({ numbers: { a: 'text' } }),
    Buffer.concat([header({}), Buffer.alloc(4)]),
    // Q3: nothing is made for it.
    header({ tensors: [{ name: 'huge', dims: [100_000_000, 100_000_000, 100_000_000] }] }),
    header({ tensors: [{ name: '__proto__', dims: [0] }] }),
  ]) {
    assert.throws(() => readStats(sealed(body), model), refused);
  }
  assert.throws(
    () => writeStats({ model, numbers: {}, tensors: { a: { dims: [3], data: new Float32Array(2) } } }),
    refused,
  );
});
