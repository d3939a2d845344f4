import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NeedleSearch, type NeedleTask } from '../../../agent/senses/ear/needle-search.ts';

const rateHz = 48_000;

/** A needle that clicks at every cam, loudest by the microphone: a cylinder that turns evenly, twice a second. */
function clicking(needle: number): NeedleTask {
  const cylinder = { needles: 960, feeders: 32, direction: 1, markNeedle: 100, microphoneTurns: 0.25 } as const;
  const [turns, turn] = [8, rateHz / 2];
  const samples = Float32Array.from({ length: (turns + 1) * turn }, (_, i) => 0.01 * Math.sin(i * i));
  const passes = (needle - cylinder.markNeedle) / cylinder.needles;
  for (let at = 0; at < turns * cylinder.feeders; at += 1) {
    const within = (at / cylinder.feeders + passes) % turns;
    const near =
      0.5 + 0.5 * Math.cos(2 * Math.PI * ((at % cylinder.feeders) / cylinder.feeders - cylinder.microphoneTurns));
    const from = Math.round((1 / 2 + within) * turn);
    for (let i = 0; i < 24; i += 1) samples[from + i] = (samples[from + i] ?? 0) + near ** 2 * Math.sin(i * 0.9);
  }
  const pulses = Array.from({ length: turns + 1 }, (_, i) => (1 / 2 + i) * turn).filter((at) => at < samples.length);
  return { samples, rateHz, pulses, cylinder };
}

test('a needle that clicks is found in a thread of its own', async () => {
  const search = new NeedleSearch();
  const found = await search.find(clicking(413));
  assert.ok(found !== null && found.needles.length <= 3);
  assert.ok(
    found.needles.some((one) => Math.abs(one - 413) <= found.k),
    found.needles.join(),
  );
});

test('of a cylinder that was heard for too few turns there is none', async () => {
  const { samples, pulses, ...task } = clicking(413);
  assert.equal(await new NeedleSearch().find({ ...task, samples, pulses: pulses.slice(0, 3) }), null);
});

test('V1: what takes too long is no needle', async () => {
  assert.equal(await new NeedleSearch(1).find(clicking(413)), null);
});

test('V1: a search that is stopped ends at once, and none begins afterwards', async () => {
  const search = new NeedleSearch();
  const finding = search.find(clicking(413));
  search.stop();
  assert.equal(await finding, null);
  assert.equal(await search.find(clicking(413)), null);
});
