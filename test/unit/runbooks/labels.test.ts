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

/** What stands in quotation marks, without regard to capitals: a reason may begin a sentence. */
const quoted = (markdown: string): string[] =>
  [...markdown.matchAll(/[“"]([^”"]+)[”"]/g)].map(([, label = '']) => label.toLowerCase());

test('every label a runbook quotes is one of the page, the same one in each language', async () => {
  let seen = 0;
  for (const name of (await files.list()).filter(({ language }) => language === 'en')) {
    const english = quoted(await runbook(name)).map((label) => ({
      label,
      keys: Object.entries(en).flatMap(([key, text]) => (text.toLowerCase() === label ? [key] : [])),
    }));
    seen += english.length;
    for (const { label, keys } of english) assert.ok(keys.length > 0, `${pathOf(name)}: the page shows no “${label}”`);
    for (const language of ['zh', 'vi', 'bn'] as const) {
      const where = pathOf({ ...name, language });
      const labels = quoted(await runbook({ ...name, language }));
      assert.equal(labels.length, english.length, `${where} quotes ${labels.join(', ')}`);
      for (const [i, { keys }] of english.entries()) {
        const shown = keys.map((key) => texts[language][key]?.toLowerCase());
        assert.ok(shown.includes(labels[i]), `${where} quotes “${labels[i]}”, the page shows “${shown.join('”, “')}”`);
      }
    }
  }
  assert.ok(seen >= 9, String(seen));
});

test('the runbooks name eye and ear, and what is taught them, as the page does', async () => {
  const unlike = { en: /\benrol/i, zh: /眼睛|耳朵|登记|教这种布/u, vi: /[“”](?:mắt|tai)[“”]/iu, bn: /শব্দের ক্রম/u };
  for (const name of await files.list()) assert.doesNotMatch(await runbook(name), unlike[name.language], pathOf(name));
});

test('a hand is sent to a cover only when the machine is off', () => {
  const off = { en: /machine off/, zh: /停机/u, vi: /tắt máy/u, bn: /মেশিন বন্ধ/u };
  for (const language of ['en', 'zh', 'vi', 'bn'] as const)
    assert.match(texts[language]['sound.look.looseCover'] ?? '', off[language]);
});

test('a certificate that is refused has its reason in words', () => {
  for (const reason of ['server-certificate-not-trusted', 'server-certificate-invalid', 'certificate-refused'])
    for (const of of Object.values(texts)) assert.ok(Object.hasOwn(of, `reason.${reason}`), reason);
});
