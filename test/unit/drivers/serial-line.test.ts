import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { DriverError } from '../../../drivers/errors.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';
import { parseLineEndpoint } from '../../../drivers/serial/endpoint.ts';
import { lineDecoder, type DecodedLine } from '../../../drivers/serial/line.ts';

const profile: Profile = loadProfile('sewing-retrofit-csv', []);

function decode(text: string): DecodedLine {
  assert.ok(profile.line !== undefined);
  return lineDecoder(profile, profile.line).decode(text);
}

const wire = z
  .object({
    cases: z.array(
      z.object({
        name: z.string(),
        line: z.string(),
        discarded: z.string().optional(),
        values: z.record(z.string(), z.union([z.number(), z.object({ bad: z.string() })])).optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../fixtures/wire/line.json', import.meta.url), 'utf8')));

for (const { name, line, discarded, values } of wire.cases) {
  test(`the retrofit line is decoded as its maker writes it: ${name}`, () => {
    const decoded = decode(line);
    if (discarded !== undefined) {
      assert.deepEqual(decoded, { kind: 'discarded', reason: discarded });
      return;
    }
    assert.ok(decoded.kind === 'values');
    const got = Object.fromEntries(
      decoded.values.map(({ signal, decoded: one }) => [
        signal,
        one.quality === 'bad' ? { bad: one.reason } : one.value,
      ]),
    );
    assert.deepEqual(got, values);
  });
}

test('whatever arrives, a good value is a number inside its range, and a wrong number of fields gives none', () => {
  const field = fc.oneof(
    fc.double().map(String),
    fc.integer().map(String),
    fc.string({ maxLength: 12 }),
    fc.constantFrom('', ' ', '-', '.', '1e5', '0b1', 'Infinity', '١٢', '1_000'),
  );
  fc.assert(
    fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
      const decoded = decode(fields.join(','));
      if (fields.join(',').split(',').length !== 7) assert.equal(decoded.kind, 'discarded');
      if (decoded.kind === 'discarded') return;
      for (const { signal, decoded: one } of decoded.values) {
        if (one.quality === 'bad') continue;
        const spec = profile.signals[signal];
        assert.ok(typeof one.value === 'number' && Number.isFinite(one.value));
        assert.ok(spec?.range !== undefined && one.value >= spec.range[0] && one.value <= spec.range[1]);
      }
    }),
  );
});

test('an endpoint says where a line machine is and how its port is set', () => {
  assert.deepEqual(parseLineEndpoint('tcp://10.0.0.7:4001'), { kind: 'tcp', host: '10.0.0.7', port: 4001 });
  assert.deepEqual(parseLineEndpoint('tcp://[::1]:4001'), { kind: 'tcp', host: '::1', port: 4001 });
  assert.deepEqual(
    parseLineEndpoint('serial:///dev/serial/by-id/usb-FTDI_A1?baudRate=19200&parity=even', { parity: 'odd' }),
    {
      kind: 'serial',
      path: '/dev/serial/by-id/usb-FTDI_A1',
      settings: { baudRate: 19200, dataBits: 8, parity: 'even', stopBits: 1 },
    },
  );
  assert.deepEqual(parseLineEndpoint('serial:///COM3', { dataBits: 7 }), {
    kind: 'serial',
    path: 'COM3',
    settings: { baudRate: 9600, dataBits: 7, parity: 'none', stopBits: 1 },
  });
});

test('an endpoint that cannot work is refused with the error of the table', () => {
  const wrong = ['', 'tcp://host', 'tcp://:1', 'serial://dev/ttyUSB0', 'serial:///', 'http://host:1', 'tcp://h:99999'];
  for (const text of [...wrong, 'serial:///dev/ttyS0?baudRate=fast', 'serial:///dev/ttyS0?colour=red']) {
    assert.throws(
      () => parseLineEndpoint(text),
      (error) => error instanceof DriverError && error.entry.code === 'DRV-300',
      text,
    );
  }
});
