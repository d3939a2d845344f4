/**
 * A quarter of a million mutated lines through framer and decoder: no crash, no hang, no leak, and no wrong value called good.
 *
 * A line has no checksum, so nobody can tell that a digit became another digit, that noise put a line end into the first or the last
 * field, or that bytes were lost so that two pieces make seven fields again. Everything else is mutated: a connection begins in the
 * middle of a line, lines run into each other, break in two, lose or gain a field, meet bytes of a wrong baud rate, come twice, or
 * have no end. Whatever comes out as good must be all fields of one line that was sent.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { LineFramer } from '../../../drivers/serial/framer.ts';
import { lineDecoder } from '../../../drivers/serial/line.ts';
import { heapBytes } from '../../support/heap.ts';
import { Random, runs, seed } from './modbus-random.ts';

const profile = loadProfile('sewing-retrofit-csv', []);
const framing = { terminator: '\n', maxLineBytes: 64 } as const;

/** The fields of one line, and what each of them says; by hand from docs/machines.md, `sewing-retrofit-csv`. */
function line(random: Random, n: number): { readonly text: string; readonly values: readonly number[] } {
  const tenth = (most: number) => random.below(most * 10) / 10;
  // The two counters name the line, so that fields of two lines never look like one.
  const values = [random.below(9000), tenth(60), tenth(9), random.below(101), random.below(101), n, n % 65_536];
  return { text: values.join(','), values };
}

/** What a wrong baud rate or a bad contact puts on a line: nothing printable. */
function noise(random: Random, most: number): string {
  const bytes = Array.from({ length: 1 + random.below(most) }, () => random.of(0x80, 0xff, 0x00, 0x07, 0xc3, 0x1b));
  return String.fromCharCode(...bytes);
}

/** `text` as it may arrive. Each keeps every digit as it was, or gives the line another number of fields. */
function mutate(random: Random, text: string): string {
  const at = random.below(text.length);
  const [inner, outer] = [text.indexOf(',') + 1, text.lastIndexOf(',')];
  const middle = inner + random.below(outer - inner + 1);
  const comma = text.indexOf(',', random.below(text.lastIndexOf(',') + 1));
  switch (random.below(9)) {
    case 0:
      // The terminator is lost: two lines run into one.
      return text;
    case 1:
      return `${text}\n${text}\n`;
    case 2:
      return `${text.slice(0, at)}${noise(random, 6)}${text.slice(at)}\n`;
    case 3:
      return `${text.slice(0, middle)}\n${text.slice(middle)}\n`;
    case 4:
      return `${text.slice(0, comma)}${text.slice(comma + 1)}\n`;
    case 5:
      return `${text.slice(0, comma)},${text.slice(comma)}\n`;
    case 6:
      return `${noise(random, 4)}${text}${random.of('', 'x'.repeat(200))}\n`;
    case 7:
      return `${text}\r\n`;
    default:
      return `${text}\n`;
  }
}

test('a quarter of a million mutated lines', { timeout: 120_000 }, (t) => {
  assert.ok(profile.line !== undefined);
  const random = new Random(seed + 3);
  const count = runs(250_000);
  const decoder = lineDecoder(profile, profile.line);
  const fields = new Map(
    Object.entries(profile.signals).flatMap(([signal, { from }]) => ('field' in from ? [[signal, from.field]] : [])),
  );
  const framer = new LineFramer(framing);
  /** Lines of late, by their stitch counter. */
  const sent = new Map<number, readonly number[]>();
  let believed = 0;
  let bytes = 0;
  let accounted = 0;
  const before = heapBytes();
  for (let n = 1; n <= count; n += 1) {
    const { text, values } = line(random, n);
    sent.set(n, values);
    sent.delete(n - 20);
    if (random.chance(0.01)) accounted += framer.reset().reduce((sum, one) => sum + one.bytes, 0);
    let rest = Buffer.from(mutate(random, text), 'latin1');
    bytes += rest.length;
    while (rest.length > 0) {
      const cut = random.chance(0.6) ? rest.length : 1 + random.below(rest.length);
      const { lines, discards } = framer.push(rest.subarray(0, cut));
      // Terminators and the CR of CR LF are not counted.
      accounted += discards.reduce((sum, one) => sum + one.bytes, 0) + lines.reduce((sum, one) => sum + one.length, 0);
      rest = rest.subarray(cut);
      for (const one of lines) {
        const found = decoder.decode(one);
        if (found.kind === 'discarded') continue;
        const goods = found.values.flatMap(({ signal, decoded }) =>
          decoded.quality === 'good' ? [{ signal, value: decoded.value }] : [],
        );
        const stitches = goods.find(({ signal }) => signal === 'stitch.total')?.value;
        const right = sent.get(Number(stitches));
        for (const { signal, value } of goods) {
          if (value === right?.[fields.get(signal) ?? -1]) continue;
          assert.fail(`run ${n} of seed ${seed}: ${signal} is ${String(value)} in ${JSON.stringify(one)}`);
        }
        if (goods.length > 0) believed += 1;
      }
      if (framer.pendingBytes > 600) assert.fail(`run ${n} of seed ${seed}: ${framer.pendingBytes} bytes are held`);
    }
  }
  assert.ok(
    accounted + framer.pendingBytes <= bytes && accounted > bytes * 0.9,
    'bytes are handed out, counted or held',
  );
  assert.ok(believed > count / 4, `${believed} lines were believed`);
  assert.ok(heapBytes() - before < 4_000_000, 'nothing is kept');
  t.diagnostic(`${count} lines, seed ${seed}: ${believed} believed`);
});
