/** Incidents through the whole pipeline: what the records say, what people are shown, and what a start brings back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertRecord } from '../../../cloud-bridge/contract.ts';
import type { FabricFinding } from '../../../agent/findings.ts';
import type { OddSound } from '../../../agent/pipeline-ports.ts';
import { eight, needleLine, oddSound, reference, Rig, setupOf, type RigOptions } from './rig.ts';

const web = { widthMm: 2000, fabric: 'single-jersey', mmPerTurn: 50, countsAlone: true };
const cylinder = { needles: 2281, firstNeedle: 1 } as const;
const machines = [setupOf('ck-1', reference, { web, hasEar: true, cylinder })];
const rigOf = (options: RigOptions = {}) => new Rig({ machines, ...options });
const crop = 'c'.repeat(64);
const heatMap = 'd'.repeat(64);
const spectrogram = 'e'.repeat(64);
const spectrogramAxis = 'mel 15.1-19690.3 Hz, 360x390 px, rows 0-192 198-390';

const pictures = { crop, heatMap, heatPeak: 1.8372 };
const sees = (rig: Rig, more: Partial<FabricFinding> = {}) =>
  rig.pipeline.fabric.told(
    needleLine({ needle: 317, k: 2, firstMs: rig.wallMs, lastMs: rig.wallMs, ...pictures, ...more }),
  );
const hears = (rig: Rig, needles: readonly number[] | null, more: Partial<OddSound> = {}) =>
  rig.pipeline.sound.began(
    oddSound({
      machine: 'ck-1',
      sinceMs: rig.wallMs,
      suspected: [{ fault: 'badNeedle', probability: 0.9 }],
      needles: needles === null ? null : { needles, k: 2 },
      spectrogram,
      spectrogramAxis,
      ranges: [{ what: 'level', fromHz: 393, toHz: 454, db: 6.2 }],
      ...more,
    }),
  );
const said = ({ evidence }: AlertRecord) => [
  evidence['incident'],
  evidence['incidentNeedle'] ?? null,
  evidence['incidentK'] ?? null,
];
const raised = (rig: Rig) => rig.alerts().filter(({ transition }) => transition === 'raised');
const ids = (rig: Rig) => new Set(raised(rig).map(({ evidence }) => evidence['incident']));

test('what eye and ear tell of one needle has one incident from its first records on, and is shown with both pictures', () => {
  const rig = rigOf();
  const { occurrence: eye } = sees(rig);
  rig.pass(20 * 60_000);
  const { occurrence: ear } = hears(rig, [293, 316, 339]);
  assert.deepEqual(raised(rig).map(said), [
    [eye, null, null],
    [eye, 316, 2],
  ]);
  const incident = {
    id: eye,
    needle: 316,
    k: 2,
    senses: ['eye', 'ear'],
    occurrences: [eye, ear],
    crop,
    spectrogram,
    // What belongs to the pictures is there for who looks at the incident, also when an alert of it is over.
    legend: { heatMap, heatPeak: 1.83, spectrogramAxis, bands: 'level 393-454 Hz +6.2 dB', speed: 26 },
  };
  assert.deepEqual(
    rig.pipeline.alertsView().map((view) => view.incident),
    [incident, incident],
  );
  // Every later step says so too.
  rig.pipeline.alertAction(eye ?? '', { kind: 'ack', actor: 'omar', comment: null });
  assert.equal(rig.alerts().at(-1)?.evidence['incident'], eye);
  rig.pipeline.sound.ended('ck-1', rig.wallMs);
  assert.deepEqual(rig.alerts().at(-1)?.evidence['incidentNeedle'], 316);
});

test('needles apart, an hour and a minute later, and a machine without needles: no common incident', () => {
  const apart = rigOf();
  sees(apart);
  hears(apart, [400, 423, 377]);
  assert.equal(ids(apart).size, 2);

  const later = rigOf();
  sees(later);
  sees(later, { phase: 'closed' });
  later.wallMs += 61 * 60_000;
  later.monotonicMs += 61 * 60_000;
  hears(later, [316]);
  assert.equal(ids(later).size, 2);

  const afterSound = (minutes: number) => {
    const rig = rigOf();
    hears(rig, [316]);
    rig.pipeline.sound.ended('ck-1', rig.wallMs);
    rig.wallMs += minutes * 60_000;
    rig.monotonicMs += minutes * 60_000;
    sees(rig);
    return ids(rig).size;
  };
  assert.deepEqual([afterSound(60), afterSound(61)], [1, 2]);

  const sewing = new Rig({ machines: [setupOf('ck-1', reference, { hasEar: true })] });
  const { occurrence } = hears(sewing, null);
  assert.deepEqual(raised(sewing).map(said), [[undefined, null, null]]);
  assert.equal(sewing.pipeline.incident(occurrence ?? ''), null);
});

test('of an alert that goes on, a line that ended over an hour before is not joined, the one that lasts is', () => {
  const withTwo = (): Rig => {
    const rig = rigOf();
    sees(rig);
    sees(rig, { id: 2, needle: 900 });
    sees(rig, { phase: 'closed' });
    rig.wallMs += 61 * 60_000;
    rig.monotonicMs += 61 * 60_000;
    return rig;
  };
  const [ended, lasting] = [withTwo(), withTwo()];
  hears(ended, [316]);
  hears(lasting, [900]);
  assert.deepEqual([ids(ended).size, ids(lasting).size], [2, 1]);
});

test('an alert that is closed within the hour is joined, and still shows its picture', () => {
  const rig = rigOf();
  const { occurrence: eye } = sees(rig, { class: 'hole', shape: 'spot' });
  rig.pipeline.alertAction(eye ?? '', { kind: 'ack', actor: 'omar', comment: null });
  assert.deepEqual(rig.pipeline.alertsView(), [], 'it is closed');
  rig.pass(1_000);
  hears(rig, [316, 293, 339]);
  const [view] = rig.pipeline.alertsView();
  assert.deepEqual([view?.incident?.id, view?.incident?.crop, view?.incident?.needle], [eye, crop, 316]);
  assert.equal(view?.incident?.legend['heatMap'], heatMap);
});

test('a line that turns out to be of another class is in the incident of what it was told as', () => {
  const rig = rigOf();
  const { occurrence } = sees(rig);
  sees(rig, { phase: 'changed', class: 'ladder' });
  assert.deepEqual([...ids(rig)], [occurrence]);
  hears(rig, [316]);
  assert.deepEqual([...ids(rig)], [occurrence]);
});

test('an incident survives a start of the agent with its id, and what belongs to it joins it after that', () => {
  const before = rigOf();
  const { occurrence: eye } = sees(before);
  const { occurrence: spot } = sees(before, { id: 2, class: 'hole', shape: 'spot', needle: 900 });
  before.pipeline.alertAction(spot ?? '', { kind: 'ack', actor: 'omar', comment: null });
  const last = (occurrence: string | null) =>
    before.alerts().findLast((one) => one.occurrence === occurrence) ?? assert.fail('it has a record');
  const recovery = { boot: '00000000000000bb', openOccurrences: [last(eye)], justClosed: [last(spot)] };

  const joined = rigOf({ recovery, startMs: before.wallMs + 120_000 });
  const { occurrence: ear } = hears(joined, [293, 316, 339]);
  assert.deepEqual(raised(joined).map(said), [[eye, 316, 2]]);
  const views = joined.pipeline
    .alertsView()
    .map(({ incident }) => [incident?.id, incident?.crop, incident?.legend['heatMap'], incident?.needle]);
  assert.deepEqual(views, [
    [eye, crop, heatMap, 316],
    [eye, crop, heatMap, 316],
  ]);

  const other = rigOf({ recovery, startMs: before.wallMs + 120_000 });
  hears(other, [901]);
  assert.deepEqual(raised(other).map(said), [[spot, 900, 2]], 'with the one that was closed before the start');

  // And once more, of both: nobody tells anything after it.
  const both = [...before.alerts(), ...joined.alerts()];
  const open = [eye, ear].map((id) => both.findLast((one) => one.occurrence === id) ?? assert.fail('it is open'));
  const again = rigOf({ recovery: { ...recovery, boot: '00000000000000cc', openOccurrences: open } });
  assert.deepEqual(
    again.pipeline.alertsView().map(({ incident }) => incident),
    joined.pipeline.alertsView().map(({ incident }) => incident),
  );
  assert.deepEqual(
    again.alerts().map((record) => record.evidence['incident']),
    [eye, eye],
  );
});

test('what was told before the time was known joins what is told after it', () => {
  const builtMs = eight;
  const rig = rigOf({ startMs: 1_000_000, options: { builtMs } });
  const { occurrence: eye } = sees(rig);
  sees(rig, { phase: 'closed' });
  rig.wallMs = eight + 500_000;
  rig.pass(1_000);
  hears(rig, [316]);
  assert.equal(raised(rig).at(-1)?.evidence['incident'], eye);
});
