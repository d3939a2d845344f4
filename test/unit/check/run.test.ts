import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTests, runTests, type Outcome } from '../../support/run.ts';

const head = `import { test, describe } from 'node:test'; import assert from 'node:assert/strict';\n`;

/** Runs a folder with these files, as `npm test` does, only with less patience. */
async function run(
  files: Readonly<Record<string, string>>,
  options: { readonly testTimeoutMs?: number; readonly seed?: number } = {},
): Promise<{ outcome: Outcome; text: string }> {
  const root = mkdtempSync(join(tmpdir(), 'selvedge-run-'));
  try {
    for (const [name, code] of Object.entries(files)) writeFileSync(join(root, name), head + code);
    let text = '';
    const outcome = await runTests({
      files: findTests(root, ['.']),
      root,
      print: (part) => (text += part),
      concurrency: 2,
      seed: options.seed ?? 1,
      testTimeoutMs: options.testTimeoutMs ?? 60_000,
      silenceMs: 20_000,
      exitMs: 3000,
      signal: new AbortController().signal,
    });
    return { outcome, text };
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('passes, failures and skips are counted once each, and the last line is plain', async () => {
  const { outcome, text } = await run({
    'a.test.ts': `test('good', () => {}); test('bad', () => assert.equal(1, 2)); test('without', (t) => t.skip('no socat'));`,
    'b.test.ts': `describe('suite', () => { test('outer', async (t) => { await t.test('inner', () => assert.ok(false)); }); });`,
    'not-a-test.ts': `throw new TypeError('must not be loaded');`,
  });
  assert.deepEqual(outcome, { passed: 1, failed: 2, skipped: 1 });
  assert.match(text, /FAIL a\.test\.ts[\s\S]*✗ bad\n\s+AssertionError/);
  assert.match(text, /skipped: a\.test\.ts: without \(no socat\)/);
  assert.match(
    text,
    /failed: a\.test\.ts: bad\n\s+AssertionError[\s\S]*failed: b\.test\.ts: suite > outer > inner\n\s+AssertionError/,
  );
  assert.match(text, /\n1 passed, 2 failed, 1 skipped\n$/);
});

test('a file that crashes, holds no test or leaves a handle open is a failure', async () => {
  const { outcome, text } = await run({
    'crash.test.ts': `throw new TypeError('boom');`,
    'empty.test.ts': `export {};`,
    'leak.test.ts': `test('good', () => { setInterval(() => {}, 1000); });`,
    'exit.test.ts': `test('good', () => {}); test('late', () => { process.exit(3); });`,
  });
  assert.equal(outcome.failed, 4, text);
  assert.match(text, /FAIL crash\.test\.ts[\s\S]*exit code 1[\s\S]*boom/);
  assert.match(text, /FAIL empty\.test\.ts[\s\S]*it holds no test/);
  assert.match(text, /FAIL leak\.test\.ts[\s\S]*a handle is left open/);
  assert.match(text, /FAIL exit\.test\.ts/);
});

test('a test that hangs ends and is a failure', async () => {
  const { outcome, text } = await run(
    {
      'wait.test.ts': `test('forever', () => new Promise(() => { setInterval(() => {}, 1000); }));`,
      'spin.test.ts': `test('good', () => {}); test('busy', () => { for (;;); });`,
    },
    { testTimeoutMs: 1000 },
  );
  assert.match(text, /✗ forever\n\s+test timed out/);
  assert.match(text, /FAIL spin\.test\.ts[\s\S]*it hangs/);
  assert.ok(outcome.failed >= 2);
});

test('a run without a single test says so', async () => {
  const { outcome, text } = await run({});
  assert.deepEqual(outcome, { passed: 0, failed: 0, skipped: 0 });
  assert.equal(text, 'no test ran\n0 passed, 0 failed, 0 skipped\n');
});

test('a file that measures runs last, with nothing beside it', async () => {
  const log = `import { appendFileSync } from 'node:fs'; const say = (word) => appendFileSync('order.txt', word + ' ');`;
  const slow = `import { setTimeout as delay } from 'node:timers/promises'; ${log}
    test('slow', async () => { say('slow-begins'); await delay(300); say('slow-ends'); });`;
  const { outcome, text } = await run({
    'a.alone.test.ts': `${log} test('alone', () => say('alone'));`,
    'b.test.ts': slow,
    'c.test.ts': `import { readFileSync } from 'node:fs'; ${log} test('quick', () => say('quick'));`,
    'd.alone.test.ts': `import { readFileSync } from 'node:fs';
      test('order', () => assert.match(readFileSync('order.txt', 'utf8'), /slow-ends.* alone $/));`,
  });
  assert.deepEqual(outcome, { passed: 4, failed: 0, skipped: 0 }, text);
});

test('one seed draws the same random input again, another draws other input, and a failure names it', async () => {
  const fastCheck = import.meta.resolve('fast-check');
  const file = {
    'a.test.ts': `import * as fc from '${fastCheck}';
      test('drawn', () => { fc.assert(fc.property(fc.integer(), (n) => { assert.equal(n, 'never'); }), { endOnFailure: true }); });`,
  };
  const drawn = async (seed: number) => {
    const { text } = await run(file, { seed });
    assert.match(text, new RegExp(`SELVEDGE_SEED=${seed}\n`));
    return /Counterexample: \[(-?\d+)\]/.exec(text)?.[1];
  };
  const first = await drawn(7);
  assert.ok(first !== undefined);
  assert.equal(await drawn(7), first);
  assert.notEqual(await drawn(8), first);
});
