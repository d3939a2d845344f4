import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { killsPerRestore, makePlan, troubles, type Layout, type Plan } from '../../torture/plan.ts';

const request = fc
  .record({ seed: fc.nat(), kills: fc.integer({ min: 1, max: 80 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ seed, kills, share }) => ({ seed, kills, restores: Math.floor((kills / killsPerRestore) * share) }));
const kills = ({ steps }: Plan) => steps.filter(({ act }) => act.kind.startsWith('kill'));
const foldersOf = ({ steps }: Plan) => steps.flatMap(({ act }) => (act.kind === 'kill-agent' ? [act.folder] : []));

test('P1: a plan is a function of its seed', () => {
  fc.assert(fc.property(request, (asked) => assert.deepEqual(makePlan(asked), makePlan({ ...asked }))));
  const of = (seed: number) => JSON.stringify(makePlan({ seed, kills: 20, restores: 2 }));
  assert.equal(new Set([1, 2, 3, 4].map(of)).size, 4);
});

test('P2: so many kills and so many restores as asked for, each copy taken before it is put back', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const plan = makePlan(asked);
      assert.equal(kills(plan).length, asked.kills);
      const folders = foldersOf(plan).filter((folder) => folder !== 'left');
      const restored = folders.filter((folder) => folder !== 'copied');
      assert.equal(restored.length, asked.restores);
      for (const [i, folder] of folders.entries()) {
        if (folder === 'put-back') assert.equal(folders[i - 1], 'copied');
      }
    }),
  );
});

test('P3: a broker is killed only where it is a process of its own; both layouts have their half', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const plan = makePlan(asked);
      let layout: Layout = plan.layout;
      for (const { act } of plan.steps) {
        if (act.kind === 'move') layout = act.to;
        if (act.kind === 'kill-broker') assert.equal(layout, 'mosquitto');
      }
      assert.equal(plan.steps.filter(({ act }) => act.kind === 'move').length, asked.kills > 1 ? 1 : 0);
    }),
  );
  const all = kills(makePlan({ seed: 1, kills: 60, restores: 0 })).map(({ act }) => act.kind);
  assert.deepEqual([...new Set(all)].toSorted(), ['kill-agent', 'kill-broker', 'kill-worker']);
});

test('P4: no clock is stepped between a copy and its return, and none further than a day', () => {
  fc.assert(
    fc.property(request, (asked) => {
      let isOut = false;
      let offsetS = 0;
      for (const { act } of makePlan(asked).steps) {
        if (act.kind === 'kill-agent' && act.folder !== 'left') isOut = act.folder === 'copied';
        if (act.kind !== 'clock') continue;
        assert.equal(isOut, false);
        offsetS += act.stepS;
        assert.ok(Math.abs(offsetS) <= 86_400);
      }
    }),
  );
});

test('P5: every kind of trouble comes before any comes again', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const { steps } = makePlan(asked);
      const all = steps.flatMap(({ act }, at) => {
        const next = steps[at + 1]?.act;
        const isForReturn = next?.kind === 'kill-agent' && next.folder === 'put-back';
        return act.kind === 'trouble' && !isForReturn ? [act.trouble] : [];
      });
      for (let at = 0; at + troubles.length <= all.length; at += troubles.length) {
        assert.equal(new Set(all.slice(at, at + troubles.length)).size, troubles.length);
      }
    }),
  );
});

test('P6: an agent speaks into a hole before its folder is put back', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const { steps } = makePlan(asked);
      for (const [at, { afterMs, act }] of steps.entries()) {
        if (act.kind !== 'kill-agent' || act.folder !== 'put-back') continue;
        const before = steps[at - 1]?.act;
        assert.ok(
          before?.kind === 'trouble' && before.trouble === 'hole' && before.forMs > afterMs && afterMs >= 2_000,
        );
      }
    }),
  );
});
