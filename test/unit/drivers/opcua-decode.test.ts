import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeServerValue, reasonOfStatus, type ServerValue } from '../../../drivers/opcua/decode.ts';
import { signalSpec, type SignalSpec } from '../../../drivers/profiles/schema.ts';

const from = { path: ['Monitoring', 'X'] };
const gauge = signalSpec.parse({ kind: 'gauge', unit: 'RPM', range: [0, 120], from });
const counter = signalSpec.parse({ kind: 'counter', unit: 'C62', wrapsAt: 4294967296, maxRatePerS: 1, from });
const text = signalSpec.parse({ kind: 'text', from });
const flag = signalSpec.parse({ kind: 'flag', from });
const code = signalSpec.parse({ kind: 'code', from });

function received(value: ServerValue['value'], status = 'Good'): ServerValue {
  return { status, value, isOtherType: false, sourceMs: null, serverMs: null, hasOverflow: false };
}

test('a Bad status gives a bad reading with its words, whatever value comes with it', () => {
  assert.deepEqual(decodeServerValue(gauge, received(30, 'BadSensorFailure')), {
    quality: 'bad',
    reason: 'bad-sensor-failure',
  });
  assert.deepEqual(decodeServerValue(gauge, received(null, 'BadNodeIdUnknown')), {
    quality: 'bad',
    reason: 'unknown-node',
  });
});

test('an Uncertain status keeps the value and says why, but never saves one out of range', () => {
  assert.deepEqual(decodeServerValue(gauge, received(30, 'UncertainLastUsableValue')), {
    quality: 'uncertain',
    value: 30,
    reason: 'uncertain-last-usable-value',
  });
  assert.equal(decodeServerValue(gauge, received(300, 'UncertainLastUsableValue')).quality, 'bad');
});

test('values fit their signal or are bad', () => {
  const cases: readonly (readonly [SignalSpec, ServerValue['value'], unknown])[] = [
    [gauge, 31.5, 31.5],
    [gauge, '31.5', 'not-a-number'],
    [gauge, true, 'unexpected-type'],
    [gauge, Number.NaN, 'not-a-number'],
    [gauge, null, 'no-value'],
    [counter, 4294967295, 4294967295],
    [counter, 4294967296, 'out-of-range'],
    [counter, -1, 'out-of-range'],
    [counter, 12n, 12],
    [counter, 2n ** 60n, 'out-of-range'],
    [text, ' Executing ', 'Executing'],
    [text, 3, 'unexpected-type'],
    [text, 'x'.repeat(257), 'text-too-long'],
    [text, 'a\u0007b', 'garbage'],
    [flag, true, true],
    [flag, 1, true],
    [flag, 2, 'out-of-range'],
    [code, 12, 12],
    [code, 'E12', 'E12'],
  ];
  for (const [spec, value, expected] of cases) {
    const decoded = decodeServerValue(spec, received(value));
    assert.equal(decoded.quality === 'bad' ? decoded.reason : decoded.value, expected, `${spec.kind} ${String(value)}`);
  }
  assert.deepEqual(decodeServerValue(gauge, { ...received(null), isOtherType: true }), {
    quality: 'bad',
    reason: 'unexpected-type',
  });
});

test('whatever a server sends, a good number is finite and inside its range', () => {
  const scalar = fc.oneof(fc.double(), fc.integer(), fc.bigInt(), fc.boolean(), fc.string(), fc.constant(null));
  const status = fc.constantFrom('Good', 'GoodLocalOverride', 'UncertainInitialValue', 'Bad', 'BadNoCommunication');
  fc.assert(
    fc.property(fc.constantFrom(gauge, counter), scalar, status, (spec, value, symbol) => {
      const decoded = decodeServerValue(spec, received(value, symbol));
      if (decoded.quality === 'bad') {
        assert.match(decoded.reason, /^[a-z0-9-]+$/);
        return;
      }
      assert.ok(!symbol.startsWith('Bad'));
      assert.ok(typeof decoded.value === 'number' && Number.isFinite(decoded.value) && decoded.value >= 0);
      if (spec === gauge) assert.ok(decoded.value <= 120);
    }),
  );
});

test('status symbols become word groups', () => {
  assert.equal(reasonOfStatus('BadNodeIdInvalid'), 'unknown-node');
  assert.equal(reasonOfStatus('BadNoCommunication'), 'bad-no-communication');
  assert.equal(reasonOfStatus('UncertainSensorNotAccurate'), 'uncertain-sensor-not-accurate');
});
