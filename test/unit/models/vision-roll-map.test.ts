import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { defectClasses } from '../../../models/vision/classify.ts';
import { defaultFourPointOptions } from '../../../models/vision/four-point.ts';
import { escaped, layoutOf, rollMapSvg } from '../../../models/vision/roll-drawing.ts';
import {
  csvCell,
  mostDefects,
  type RollContents,
  type RollDefect,
  rollDefectSchema,
  rollMapCsv,
  rollMapOf,
  rollMapSchema,
} from '../../../models/vision/roll-map.ts';

const defect = (more: Partial<RollDefect> = {}): RollDefect => ({
  id: 1,
  class: 'hole',
  cause: 'machine_or_handling',
  score: 3.21,
  threshold: 1,
  fromMm: 12_345,
  toMm: 12_355,
  alongErrorMm: 2,
  acrossFromMm: 500,
  acrossToMm: 510,
  needle: 1207,
  k: 2,
  needleUnknown: null,
  revolutions: 3,
  evidence: [],
  ...more,
});
const contents = (more: Partial<RollContents> = {}): RollContents => ({
  roll: { id: 'R-17', machine: 'ck-1', fabric: 'jersey', lengthMm: 100_000, widthMm: 2000 },
  model: 'fabric-anomaly@1.0.0',
  isSimulated: true,
  defects: [defect()],
  gaps: [],
  dropped: 0,
  ...more,
});
const mapOf = (more: Partial<RollContents> = {}) => rollMapOf(contents(more), defaultFourPointOptions);

test('a map passes its own schema after going through text, with the score of its faults', () => {
  const map = mapOf({ gaps: [{ fromMm: 20_000, toMm: 30_000, share: 1, reason: 'camera' }] });
  assert.deepEqual(rollMapSchema.parse(JSON.parse(JSON.stringify(map))), map);
  // A hole of 10 mm: 2 points on 90 m of 2000 mm.
  assert.deepEqual([map.score.total, map.score.inspectedM, map.score.isComplete], [2, 90, false]);
  assert.ok(Math.abs((map.score.pointsPer100M2 ?? 0) - 200_000 / 180_000) < 1e-9);
});

test('the schema refuses what contradicts itself: boxes turned round, a needle without k, no needle without a reason', () => {
  const refused: readonly Partial<RollDefect>[] = [
    { toMm: 1 },
    { acrossToMm: 1 },
    { k: null },
    { needle: null, k: null },
    { needleUnknown: 'no-angle' },
    { fromMm: Number.NaN },
    { class: 'dragon' as RollDefect['class'] },
  ];
  for (const more of refused)
    assert.equal(rollDefectSchema.safeParse(defect(more)).success, false, JSON.stringify(more));
  assert.ok(rollDefectSchema.safeParse(defect()).success);
});

test('CSV by hand: metres with millimetres, the needle with its k, a gap as a line of its own', () => {
  const map = mapOf({
    defects: [
      defect(),
      defect({
        id: 2,
        class: 'barre',
        cause: 'yarn_or_feeder',
        fromMm: 500,
        toMm: 1700,
        needle: null,
        k: null,
        needleUnknown: 'no-needle',
      }),
    ],
    gaps: [{ fromMm: 5000, toMm: 6000, share: 1, reason: 'no-position' }],
  });
  assert.deepEqual(rollMapCsv(map).split('\r\n'), [
    'from_m,to_m,along_error_mm,across_from_mm,across_to_mm,class,cause,points,needle,k,needle_unknown,revolutions,score,threshold,id,unseen_share',
    '0.500,1.700,2.0,500.0,510.0,barre,yarn_or_feeder,8,,,no-needle,3,3.210,1.000,2,',
    '5.000,6.000,,,,gap,no-position,,,,,,,,,1.000',
    '12.345,12.355,2.0,500.0,510.0,hole,machine_or_handling,2,1207,2,,3,3.210,1.000,1,',
    '',
  ]);
});

test('a cell cannot leave its field, and starts no formula in a spreadsheet', () => {
  assert.equal(csvCell('a,b'), '"a,b"');
  assert.equal(csvCell('a"b'), '"a""b"');
  assert.equal(csvCell('a\r\nb'), '"a\r\nb"');
  assert.equal(csvCell('=1+1'), "'=1+1");
  assert.equal(csvCell('@cmd'), "'@cmd");
  assert.equal(csvCell('-1.5'), '-1.5');
  assert.equal(csvCell('-cmd'), "'-cmd");
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), (cells) => {
      assert.deepEqual(
        cellsOf(cells.map(csvCell).join(',')).map((cell) => cell.replace(/^'(?=[=+\-@\t\r])/, '')),
        cells.map((cell) => cell.replace(/^'(?=[=+\-@\t\r])/, '')),
      );
    }),
  );
});

/** A reader of one CSV record, letter by letter. */
function cellsOf(record: string): string[] {
  const cells: string[] = [];
  let at = 0;
  do {
    let cell = '';
    if (record[at] === '"') {
      for (at += 1; record[at] !== '"' || record[at + 1] === '"'; at += record[at] === '"' ? 2 : 1) {
        assert.ok(at < record.length);
        cell += record[at];
      }
      at += 1;
    } else {
      for (; at < record.length && record[at] !== ','; at += 1) cell += record[at];
    }
    cells.push(cell);
    at += 1;
  } while (at <= record.length);
  return cells;
}

const rolls = fc.array(
  fc
    .record({
      class: fc.constantFrom(...defectClasses),
      fromMm: fc.double({ min: -1000, max: 110_000, noNaN: true }),
      lengthMm: fc.double({ min: 0, max: 30_000, noNaN: true }),
      acrossFromMm: fc.double({ min: -100, max: 2100, noNaN: true }),
      widthMm: fc.double({ min: 0, max: 2000, noNaN: true }),
    })
    .map(({ lengthMm, widthMm, ...d }) => ({ ...d, toMm: d.fromMm + lengthMm, acrossToMm: d.acrossFromMm + widthMm })),
  { maxLength: 30 },
);

test('the same faults in another order give the same bytes', () => {
  fc.assert(
    fc.property(rolls, fc.infiniteStream(fc.nat()), (list, order) => {
      const defects = list.map((d, id) => defect({ ...d, id }));
      const keys = new Map(defects.map((d) => [d, order.next().value ?? 0]));
      const other = defects.toSorted((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
      const [a, b] = [mapOf({ defects }), mapOf({ defects: other })];
      assert.equal(JSON.stringify(a), JSON.stringify(b));
      assert.equal(rollMapCsv(a), rollMapCsv(b));
      assert.equal(rollMapSvg(a), rollMapSvg(b));
    }),
    { numRuns: 30 },
  );
});

test('nothing is drawn outside the sheet, and every fault is drawn and large enough to see', () => {
  fc.assert(
    fc.property(rolls, fc.double({ min: 0, max: 1_000_000, noNaN: true }), (list, lengthMm) => {
      const map = mapOf({ roll: { ...contents().roll, lengthMm }, defects: list.map((d, id) => defect({ ...d, id })) });
      const { width, height, strips, rectangles } = layoutOf(map);
      assert.ok(strips >= 1 && strips <= 12);
      for (const r of rectangles) {
        assert.ok(r.x >= 0 && r.y >= 0 && r.x + r.width <= width + 1e-6 && r.y + r.height <= height + 1e-6);
        if (r.kind === 'defect') assert.ok(r.width >= 4 - 1e-9 && r.height >= 4 - 1e-9);
      }
      assert.ok(rectangles.filter(({ kind }) => kind === 'defect').length >= list.length);
    }),
  );
});

test('an independent program reads the drawing: a fault has its colour where it lies, cloth beside it has none', async () => {
  const map = mapOf({
    roll: { id: '<R&"17">', machine: "c'k", fabric: '\u0000\ud800]]>', lengthMm: 10_000, widthMm: 2000 },
    defects: [defect({ fromMm: 500, toMm: 1000, acrossFromMm: 0, acrossToMm: 2000 })],
    gaps: [{ fromMm: 2000, toMm: 4000, share: 1, reason: 'camera' }],
  });
  const { data, info } = await sharp(Buffer.from(rollMapSvg(map)))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.width, 1200);
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  // Strips of a metre from 48 to 1152 px; the first is at 116 px: half a metre to its end is 600 … 1152.
  assert.deepEqual(at(900, 148), [0xe0, 0, 0]);
  assert.deepEqual(at(300, 148), [0xf2, 0xf0, 0xea]);
  // The third strip was not looked at: hatched, so not all of one colour.
  const hatched = new Set(Array.from({ length: 16 }, (_, i) => String(at(300 + i, 116 + 2 * 98 + 30))));
  assert.ok(hatched.size > 1);
});

test('a picture without a mouse tells the needle of a line and the colours of the classes', () => {
  const line = defect({ class: 'needle_line', cause: 'needle_or_sinker', fromMm: 0, toMm: 50_000 });
  const svg = rollMapSvg(mapOf({ defects: [line, defect({ id: 2 })] }));
  assert.ok(svg.includes('>1207 ± 2</text>'));
  assert.ok(svg.includes('>needle_line 1</text>') && svg.includes('>hole 1</text>') && !svg.includes('>barre'));
});

test('no text of a roll is markup of the drawing', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", ';', 'a', '\0', '\ud800', '\ufffe') }),
      (text) => {
        assert.ok(!/[<>"'\p{Cc}\p{Cs}\ufffe]|&(?!(amp|lt|gt|quot|#39);)/u.test(escaped(text)));
      },
    ),
  );
  const svg = rollMapSvg(mapOf({ roll: { ...contents().roll, id: '</text><script>alert(1)</script>' } }));
  assert.ok(!svg.includes('<script'));
});

test('too many faults are cut and told, and the score is then not complete', () => {
  const defects = Array.from({ length: mostDefects + 5 }, (_, id) => defect({ id, fromMm: id, toMm: id + 1 }));
  const map = mapOf({ defects, dropped: 2 });
  assert.deepEqual([map.defects.length, map.dropped, map.score.isComplete], [mostDefects, 7, false]);
  assert.ok(
    rollMapSvg(mapOf({ gaps: [{ fromMm: 0, toMm: 50_000, share: 1, reason: 'camera' }] })).includes(
      'not complete: 50.0 m',
    ),
  );
});
