/** The healthy week: its timetable, what of it is rendered, and that nothing in it is a fault. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { shiftOf } from '../../../../simulators/sound-trials/shift.ts';
import { healthyWeek, weekPlan, type WeekPlan } from '../../../../simulators/sound-trials/week.ts';

const planOf = (more: Partial<WeekPlan> = {}): WeekPlan => ({
  ...weekPlan,
  generator: 'b',
  seed: 2,
  snrDb: 3,
  rateHz: 8000,
  kind: 'sewing',
  share: 0.003,
  stretchS: 4,
  enrolClips: 4,
  ...more,
});
const span = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);

for (const kind of ['sewing', 'knitting'] as const) {
  test(`${kind}: a shift is runs that follow each other, with pauses, rolls, articles and loud hours`, () => {
    const { articles } = healthyWeek(planOf({ kind }));
    const runs = [...shiftOf(2, kind, articles, 1)];
    for (const [i, run] of runs.entries()) {
      const next = runs[i + 1];
      assert.ok(run.durationS > 0 && run.startS >= 6 * 3600 && run.startS < 14 * 3600);
      if (next !== undefined) assert.ok(next.startS > run.startS + run.durationS);
      assert.ok(Math.abs(run.speed / run.article.speed - 1) <= 0.025);
    }
    assert.equal(new Set(runs.map(({ article }) => article)).size, articles.length);
    assert.ok(new Set(runs.map(({ load }) => load)).size >= 6);
    const loud = runs.filter(({ isLoud }) => isLoud).length;
    assert.ok(loud > 0 && loud < 0.7 * runs.length, `${loud} of ${runs.length}`);
  });

  test(`${kind}: of the time an ear would judge the share asked for is rendered, evenly, with its hour`, () => {
    const week = healthyWeek(planOf({ kind, share: kind === 'sewing' ? 0.004 : 0.0015 }));
    const all = [...week.heard()];
    const ran = Math.round(weekPlan.clipS * 8000);
    const pauseSamples = Math.round((kind === 'sewing' ? 1.9 : 10.4) * 8000);
    const isPause = ({ clip }: (typeof all)[number]) => clip.samples.length === pauseSamples;
    const clips = all.filter((one) => !isPause(one));
    assert.equal(clips.length, week.rendered);
    // Each run is heard to begin after a pause, in its own hall.
    assert.ok(all[0] !== undefined && isPause(all[0]));
    assert.ok(
      all.every((one, i) => !isPause(one) || (all[i + 1]?.isLoud === one.isLoud && one.atH < (all[i + 1]?.atH ?? 0))),
    );
    assert.equal(week.share, week.rendered / week.pieces);
    const judgedH = (week.pieces * weekPlan.clipS) / 3600;
    assert.ok(judgedH > 6 && judgedH < 48, `${judgedH} h`);
    for (const { atH, clip, snrDb, isLoud, fault } of clips) {
      assert.ok(atH % 24 >= 6 && atH % 24 <= 14.5);
      assert.equal(fault, null);
      assert.deepEqual(clip.truth.faults, []);
      assert.equal(snrDb, isLoud ? 3 - weekPlan.loudDb : 3);
      // Of a clip in which it slows down the hall is asked for louder, so that it is as loud beside the steady machine.
      if (clip.shaft.drive.at(-1) !== 0) assert.equal(clip.truth.snrDb, snrDb);
      // A run's last clip is heard to its end.
      assert.ok(clip.shaft.drive.subarray(0, ran).every((share) => share > 0));
      assert.ok(clip.samples.length === ran || clip.shaft.drive.at(-1) === 0);
    }
    const stops = clips.filter(({ clip }) => clip.shaft.drive.at(-1) === 0).length;
    assert.ok(stops < clips.length && (kind === 'knitting' || stops > clips.length / 5), `${stops} of ${clips.length}`);
    assert.equal(new Set(clips.map(({ atH }) => Math.floor(atH / 24))).size, weekPlan.days);
    assert.ok(span(clips.map(({ temperatureC }) => temperatureC)) > 4);
    assert.ok(clips.every(({ atH }, i) => i === 0 || atH > (clips[i - 1]?.atH ?? 0)));
  });
}

test('what is rendered is rendered in stretches: of a stretch all pieces or none', () => {
  const shareOf = (seed: number): number => healthyWeek(planOf({ seed, share: 0.2, stretchS: 600 })).share;
  const shares = [1, 2, 3, 4].map(shareOf);
  // Some three hundred stretches a week, not all alike full: a fifth of them, give or take.
  assert.ok(
    shares.every((share) => share > 0.12 && share < 0.28),
    shares.join(' '),
  );
  const week = healthyWeek(planOf({ share: 0.05, stretchS: 600, rateHz: 8000 }));
  const hours: number[] = [];
  for (const { atH } of week.heard()) {
    hours.push(atH);
    if (hours.length === 20) break;
  }
  const stretches = new Set(hours.map((atH) => Math.floor((atH * 3600) / 600)));
  assert.ok(stretches.size <= 3, `${hours.length} clips in ${stretches.size} stretches`);
});

test('every article is enrolled from the day before, in quiet hours', () => {
  const week = healthyWeek(planOf());
  const enrolled = [...week.enrol()];
  for (const [number, article] of week.articles.entries()) {
    const clips = enrolled.filter((clip) => clip.article === number);
    assert.equal(clips.length, 4);
    assert.ok(
      clips.every(({ atH, isLoud, speed }) => atH < 0 && !isLoud && Math.abs(speed / article.speed - 1) < 0.03),
    );
    assert.ok(
      clips.every(({ clip }) => clip.shaft.drive.at(-1) === 0),
      'the hall is heard behind each',
    );
  }
  const hours = enrolled.map(({ atH }) => atH);
  assert.deepEqual(
    hours,
    hours.toSorted((a, b) => a - b),
  );
});

test('the same plan gives the same week; generator a can be asked for it as well', () => {
  const [first] = healthyWeek(planOf()).heard();
  const [again] = healthyWeek(planOf()).heard();
  assert.deepEqual(again, first);
  const [other] = healthyWeek(planOf({ generator: 'a' })).heard();
  assert.equal(other?.clip.truth.generator, 'a');
});
