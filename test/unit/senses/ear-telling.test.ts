import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HearingTold } from '../../../agent/senses/ear/hearing.ts';
import { Telling, type Path } from '../../../agent/senses/ear/telling.ts';

const judged: HearingTold = { kind: 'judged', atMs: 0, speed: 1, score: 0, threshold: 0, evidence: 0 };
const about = { speed: 1, score: 1, threshold: 0, spread: 1, moved: 0, ranges: [] };
const began = (path: Path, sinceMs: number): HearingTold => ({ kind: 'began', path, sinceMs, atMs: sinceMs, ...about });
const ended = (sinceMs: number, atMs: number): HearingTold => ({ kind: 'ended', sinceMs, atMs });

test('W1: beginnings and ends that are told alternate, an end is that of the beginning told and comes when neither is odd', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom<Path>('levels', 'rounds'), { maxLength: 40 }), (turns) => {
      const telling = new Telling();
      const odd = new Map<Path, number>();
      let told: number | null = null;
      turns.forEach((path, atMs) => {
        const since = odd.get(path);
        if (since === undefined) odd.set(path, atMs);
        else odd.delete(path);
        const said = telling.pass(path, [judged, since === undefined ? began(path, atMs) : ended(since, atMs)]);
        assert.equal(said[0], judged);
        const [, change] = said;
        if (change?.kind === 'began') {
          assert.equal(told, null);
          told = change.sinceMs;
        } else if (change?.kind === 'ended') {
          assert.equal(change.sinceMs, told);
          told = null;
        }
        assert.equal(told !== null, odd.size > 0, 'told as long as one of them is odd');
      });
    }),
  );
});
