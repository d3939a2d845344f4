import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collecting } from '../../../agent/collecting.ts';
import { defaultPipelineOptions } from '../../../agent/pipeline-ports.ts';
import type { SummaryDraft } from '../../../agent/rollup/rollup.ts';
import { Watched } from '../../../agent/watched.ts';
import { boot, eight, reference, setupOf } from './rig.ts';

const names = Array.from({ length: 7 }, (_, i) => `ls-${i}`);

/** Seven machines whose first minute is over, and a clock that goes on by `stepMs` whenever it is looked at. */
function collecting(stepMs: number, knowsTime = true) {
  const machines = new Map(
    names.map((id) => [
      id,
      new Watched(
        setupOf(id, reference),
        [],
        new Map(),
        eight,
        { boot, segment: 0 },
        {
          ...defaultPipelineOptions,
          openMinuteEveryS: 60,
        },
      ),
    ]),
  );
  const drafts: SummaryDraft[] = [];
  let monotonicMs = 0;
  const parts = {
    machines,
    ringBlockS: 30,
    monotonicMs: () => (monotonicMs += stepMs),
    knowsTime: () => knowsTime,
    record: (draft: SummaryDraft) => void drafts.push(draft),
    ring: () => undefined,
  };
  // Before the minute is over each is looked at, as in a running agent.
  for (const machine of machines.values()) machine.rollup.due(eight);
  const collecting = new Collecting(parts);
  return () => {
    drafts.length = 0;
    collecting.tick(0, eight + 70_000);
    return [...new Set(drafts.map(({ machine }) => machine))];
  };
}

test('C1: a few machines have their turn in a tick, the next ones in the next', () => {
  const tick = collecting(0);
  assert.deepEqual([tick(), tick()], [names.slice(0, 5), names.slice(5)]);
});

test('C1: on a slow computer one machine has its turn in each tick, and all of them in turn', () => {
  const tick = collecting(10);
  assert.deepEqual(
    names.map(() => tick()),
    names.map((name) => [name]),
  );
});

test('C2: while the time is not known no minute leaves', () => {
  assert.deepEqual(collecting(0, false)(), []);
});
