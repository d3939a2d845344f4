import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseProfile, ProfileInvalid } from '../../../drivers/profiles/load.ts';
import { patternDecoder } from '../../../drivers/serial/pattern.ts';
import { lineProfileText } from './serial-profile.ts';

const pattern = String.raw`S=(?<speed>\d+) T=(?<temp>-?\d+(?:\.\d+)?)C(?: E(?<error>\d\d))?`;
const profileOf = (text: string, group = 'speed'): string =>
  lineProfileText(
    `pattern: '${text.replaceAll("'", "''")}'`,
    `  spindle.speed: { kind: gauge, unit: RPM, range: [0, 10000], from: { group: ${group} } }
  head.temp: { kind: gauge, unit: CEL, range: [-40, 150], from: { group: temp } }
  error.code: { kind: code, from: { group: error } }`,
  );
const profile = parseProfile(profileOf(pattern), 'x');
const decoder = patternDecoder(profile, pattern);

function read(line: string): unknown {
  const decoded = decoder.decode(line);
  if (decoded.kind === 'discarded') return decoded.reason;
  return decoded.values.map(({ decoded: one }) => (one.quality === 'bad' ? one.reason : one.value));
}

test('groups are signals; a group that took no part is bad', () => {
  assert.deepEqual(read('S=4200 T=31.5C E07'), [4200, 31.5, 7]);
  assert.deepEqual(read('S=0 T=-3C'), [0, -3, 'missing-field']);
  assert.deepEqual(read('S=99999 T=900C E00'), ['out-of-range', 'out-of-range', 0]);
});

test('a line that is not wholly of the pattern gives no value', () => {
  for (const line of ['', 'S=4200', 'xS=4200 T=31.5C', 'S=4200 T=31.5C ', 'S=4200 T=31.5C E7', 'S=4200\u0000T=31.5C'])
    assert.equal(read(line), 'garbage', JSON.stringify(line));
});

test('whatever the line, a value that is believed stands in it', () => {
  const sent = fc.tuple(fc.nat({ max: 9_999 }), fc.nat({ max: 99 })).map(([s, t]) => `S=${s} T=${t}C`);
  const noise = fc.record({ at: fc.nat(), cut: fc.nat({ max: 2 }), put: fc.stringMatching(/^[ -~]{0,2}$/) });
  fc.assert(
    fc.property(sent, noise, (line, { at, cut, put }) => {
      const place = at % line.length;
      const disturbed = line.slice(0, place) + put + line.slice(place + cut);
      const decoded = decoder.decode(disturbed);
      if (decoded.kind === 'discarded') return;
      for (const { decoded: one } of decoded.values) {
        if (one.quality === 'good') assert.ok(disturbed.includes(String(one.value)) || Number.isInteger(one.value));
      }
    }),
  );
});

test('a pattern that could take without end, or has no group, is refused', () => {
  const cases: readonly (readonly [pattern: string, message: RegExp])[] = [
    [String.raw`(?<speed>(a+)+)`, /repeats a group/],
    [String.raw`(?<speed>(?:a|a)*)b`, /repeats a group/],
    [String.raw`(?<speed>(?:\d*){3})`, /repeats a group/],
    [String.raw`(?<speed>.)\1`, /back reference/],
    [String.raw`(?<speed>.)(?=x)`, /looks around/],
    [String.raw`speed \d+`, /no named group/],
    [String.raw`(?<speed>`, /no regular expression/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseProfile(profileOf(text), 'x'),
      (error) => error instanceof ProfileInvalid && message.test(error.message),
      text,
    );
  }
  assert.throws(
    () => parseProfile(profileOf(pattern, 'rpm'), 'x'),
    (error) => error instanceof ProfileInvalid && /is no group of line.pattern/.test(error.message),
  );
});

test('the longest line of noise is judged within a few milliseconds', () => {
  const line = 'S=4200 T='.padEnd(65_536, '1');
  const from = performance.now();
  for (let i = 0; i < 10; i += 1) decoder.decode(line);
  assert.ok(performance.now() - from < 500);
});
