/** What a runbook calls a thing is what the page calls it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunbookFiles } from '../../../agent/runbooks/files.ts';
import { pathOf, type RunbookName } from '../../../agent/runbooks/lookup.ts';
import { bn } from '../../../agent/web/languages/bn/index.ts';

const files = new RunbookFiles(join(import.meta.dirname, '../../../agent/runbooks'), { warn: () => {} });

async function runbook(name: RunbookName): Promise<string> {
  return (await files.read(name)) ?? assert.fail(`${pathOf(name)} is missing`);
}

test('a case of a needle is called one thing in Bangla: a file of papers, not a lawsuit', async () => {
  for (const name of (await files.list()).filter(({ language }) => language === 'bn'))
    assert.doesNotMatch(await runbook(name), /মামলা/u, pathOf(name));
  const wrong = Object.entries(bn).filter(([, text]) => /মামলা/u.test(text));
  assert.deepEqual(wrong, []);
});
