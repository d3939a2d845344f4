/** The record of what was done on the page: what shows when it was changed or cut, and that a power cut is no alarm. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { createActs, oldActsFile, type Act, type ActsAnchor } from '../../../agent/page/acts.ts';
import { actHash, actLine, actsStart, readActs, sliceLines } from '../../../agent/page/acts-chain.ts';
import type { ActsHead } from '../../../agent/store/page-acts-event.ts';
import { judgeActs } from '../../../agent/doctor/page-acts.ts';
import { silentLog } from './floor.ts';
import { tempDir } from './harness.ts';

const clock = { nowMs: () => 1_700_000_000_000, monotonicMs: () => 0 };
const act: Act = {
  actor: 'omar',
  act: 'ack',
  about: 'occ-1',
  outcome: 'done',
  status: 200,
  address: '10.0.0.7',
  by: 'password',
  tablet: null,
};

/** What the journal would know: heads that were kept while it took any. */
function journal() {
  const known = {
    last: null as ActsHead | null,
    takes: true,
    /** As one process has it: what was known at its start. */
    anchor: (): ActsAnchor => ({
      last: known.last,
      keep: async (head) => {
        if (!known.takes) throw new RangeError('full');
        known.last = head;
      },
    }),
  };
  return known;
}
async function setting(t: TestContext, most = 10) {
  const file = join(await tempDir(t), 'acts.jsonl');
  const known = journal();
  const start = async () => {
    const acts = createActs({ file, clock, log: silentLog, most, anchor: known.anchor() });
    await acts.load();
    return acts;
  };
  return { file, known, start };
}
const linesOf = async (path: string): Promise<string[]> => {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1);
};
const write = (path: string, lines: readonly string[]) => writeFile(path, lines.map((line) => `${line}\n`).join(''));

test('lines cut off at the end show (H2), at whichever line and in whichever file, and go on showing when the record goes on', async (t) => {
  const { file, known, start } = await setting(t);
  const acts = await start();
  for (let i = 0; i < 14; i++) await acts.record(act);
  await acts.stop();
  const [old, now] = [await linesOf(oldActsFile(file)), await linesOf(file)];
  assert.deepEqual([old.length, now.length, known.last?.id], [10, 4, 14]);
  for (let left = 13; left >= 0; left--) {
    await write(oldActsFile(file), old.slice(0, left));
    await write(file, now.slice(0, Math.max(0, left - 10)));
    if (left % 3 === 0)
      for (const path of [file, oldActsFile(file)]) if ((await linesOf(path)).length === 0) await rm(path);
    known.last = { id: 14, hash: known.last?.hash ?? '' };
    const before = known.last;
    const cut = await start();
    assert.deepEqual(cut.state(), { isWhole: false, lost: 0, cut: 14 - left }, `${left} left`);
    assert.equal(known.last, before, 'a start that finds it cut does not forget what was there');
    await cut.record(act);
    await cut.stop();
    assert.equal(
      cut.list({ user: null, before: null, limit: 1 })[0]?.id,
      15,
      'the number of a line that is missing is not given again',
    );
    const later = await start();
    assert.deepEqual(
      later.state(),
      { isWhole: false, lost: 0, cut: 0 },
      'the next start still sees that lines are missing',
    );
    known.last = before;
  }
});

test('a record that was cut and written anew, line for line, is another than the anchor knows', async (t) => {
  const { file, known, start } = await setting(t);
  const acts = await start();
  for (let i = 0; i < 3; i++) await acts.record(act);
  await acts.stop();
  let prev = actsStart.hash;
  const forged = [1, 2, 3, 4].map((id) => {
    const body = JSON.stringify({ ...act, actor: 'eve', id, atMs: 1, missed: 0 });
    prev = actHash(prev, body);
    return actLine(prev, body);
  });
  await writeFile(file, forged.join(''));
  assert.equal((await start()).state().isWhole, false);
  known.last = null;
  assert.equal((await start()).state().isWhole, true, 'the chain alone cannot tell');
});

test('a power cut between line and anchor, in a line, or while the journal takes nothing, is no alarm (H3)', async (t) => {
  const { file, known, start } = await setting(t);
  const expectWhole = async (why: string) => {
    const acts = await start();
    assert.deepEqual(acts.state(), { isWhole: true, lost: 0, cut: 0 }, why);
    return acts;
  };
  let acts = await expectWhole('before anything was done');
  await acts.record(act);
  known.takes = false;
  await acts.record(act);
  assert.equal(known.last?.id, 1);
  acts = await expectWhole('the line was there, and the anchor not yet');
  known.takes = true;
  await acts.record(act);
  await acts.stop();
  await writeFile(file, `${await readFile(file, 'utf8')}{"hash":"ab`);
  acts = await expectWhole('half a line');
  await acts.record(act);
  known.takes = false;
  for (let i = 0; i < 20; i++) await acts.record(act);
  await expectWhole('the line of the anchor has given way to newer ones');
  await rm(oldActsFile(file));
  assert.equal((await start()).state().isWhole, false, 'but the older file may not go');
});

test('a start anchors what came after the anchor, so that it is missed at the next', async (t) => {
  const { file, known, start } = await setting(t);
  known.takes = false;
  const acts = await start();
  for (let i = 0; i < 3; i++) await acts.record(act);
  known.takes = true;
  await (await start()).stop();
  assert.equal(known.last?.id, 3);
  await write(file, (await linesOf(file)).slice(0, 2));
  assert.equal((await start()).state().cut, 1);
});

test('whatever is done, lost and cut in whatever order, the record is whole exactly until an anchored line is gone', async (t) => {
  const deed = fc.oneof(
    { weight: 6, arbitrary: fc.constant('act' as const) },
    { weight: 2, arbitrary: fc.constantFrom('journal-full' as const, 'journal-takes' as const) },
    { weight: 2, arbitrary: fc.constantFrom('restart' as const, 'torn' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), async (deeds, cutLines) => {
      const { file, known, start } = await setting(t, 5);
      let acts = await start();
      for (const one of deeds) {
        if (one === 'act') await acts.record(act);
        else if (one === 'journal-full') known.takes = false;
        else if (one === 'journal-takes') known.takes = true;
        else {
          if (one === 'torn') await writeFile(file, `${await readFile(file, 'utf8').catch(() => '')}{"ha`);
          acts = await start();
        }
        assert.deepEqual(acts.state(), { isWhole: true, lost: 0, cut: 0 });
      }
      const lines = await linesOf(file);
      const left = lines.slice(0, -cutLines);
      await write(file, left);
      const newest = acts.list({ user: null, before: null, limit: 20 });
      const lastId = newest[Math.min(cutLines, lines.length)]?.id ?? 0;
      const { isWhole, cut } = (await start()).state();
      assert.equal(cut, Math.max(0, (known.last?.id ?? 0) - lastId));
      assert.equal(isWhole, cut === 0);
    }),
    { numRuns: 60 },
  );
});

test('a long record is read in slices (H4): what else there is to do is done in between', async () => {
  let prev = actsStart.hash;
  const lines = Array.from({ length: 8_000 }, (_, i) => {
    const body = JSON.stringify({ ...act, id: i + 1, atMs: 1, missed: 0, about: 'x'.repeat(280) });
    prev = actHash(prev, body);
    return actLine(prev, body);
  });
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const read = await readActs([lines.slice(0, 4_000).join(''), lines.slice(4_000).join('')], { id: 8_000, hash: prev });
  isOver = true;
  assert.deepEqual([read.isWhole, read.cut, read.head], [true, 0, { id: 8_000, hash: prev }]);
  assert.ok(turns >= 8_000 / sliceLines - 2, `${turns} turns`);
});

test('at the stop the newest line goes to an anchor that is still keeping an older one', async (t) => {
  const file = join(await tempDir(t), 'acts.jsonl');
  const kept: number[] = [];
  const never = new Promise<void>(() => undefined);
  const keep = (head: ActsHead) => {
    kept.push(head.id);
    return never;
  };
  const acts = createActs({ file, clock, log: silentLog, anchor: { last: null, keep } });
  await acts.load();
  for (let i = 0; i < 3; i++) await acts.record(act);
  assert.deepEqual(kept, [1], 'one at a time');
  await acts.stop();
  assert.deepEqual(kept, [1, 3]);
});

test('the doctor says of a record how it stands', () => {
  const files = [[], [{ ...act, id: 1, atMs: 1, missed: 0 }]];
  const said = (isWhole: boolean, cut: number) =>
    judgeActs({ files, isWhole, cut }).map(({ ok, detail }) => [ok, detail]);
  assert.deepEqual(said(true, 0), [[true, 'the record of what was done on the page is whole: 1 lines']]);
  assert.match(String(said(false, 3)[0]), /^false,3 lines .* missing at the end/);
  assert.match(String(said(false, 0)[0]), /^false,lines .* changed/);
  assert.deepEqual(judgeActs({ files: [[], []], isWhole: true, cut: 0 }), []);
});
