/** What a runbook quotes is what the page shows: its buttons, headings and reasons, and the names it has for things, in each language. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunbookFiles } from '../../../agent/runbooks/files.ts';
import { pathOf, type RunbookName } from '../../../agent/runbooks/lookup.ts';
import { bn } from '../../../agent/web/languages/bn/index.ts';
import { en } from '../../../agent/web/languages/en/index.ts';
import { vi } from '../../../agent/web/languages/vi/index.ts';
import { zh } from '../../../agent/web/languages/zh/index.ts';

const texts: Readonly<Record<RunbookName['language'], Readonly<Record<string, string>>>> = { en, zh, vi, bn };
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
