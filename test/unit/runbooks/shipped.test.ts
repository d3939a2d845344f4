/** Every alert that the agent can raise by itself ships with a runbook in every language. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FindingDesk } from '../../../agent/findings.ts';
import { GatewayAlerts } from '../../../agent/gateway-alerts.ts';
import { parseRules, shippedRules } from '../../../agent/rules/load.ts';
import { RunbookFiles } from '../../../agent/runbooks/files.ts';
import { pathOf, runbookLanguages, titleOf, type RunbookName } from '../../../agent/runbooks/lookup.ts';
import { treeOf, type Block } from '../../../agent/runbooks/tree.ts';
import { SoundDesk } from '../../../agent/sounds.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { lexer } from 'marked';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../agent/runbooks');
const told: object[] = [];
const files = new RunbookFiles(folder, { warn: (data) => told.push(data) });

/** Types of the alerts that are raised without anything of a site's own. */
const builtIn = [
  ...new Set([
    ...parseRules(shippedRules()).map(({ type }) => type),
    ...GatewayAlerts.rules.map(({ type }) => type),
    ...FindingDesk.rules.map(({ type }) => type),
    ...SoundDesk.rules.map(({ type }) => type),
  ]),
];

async function text(name: RunbookName): Promise<string> {
  const read = await files.read(name);
  assert.ok(read !== null, `${pathOf(name)} is missing`);
  return read;
}
const treeOfText = (markdown: string) => treeOf(lexer(markdown));

/** What a runbook is made of: its kinds of blocks, with the number of steps. */
const shape = (tree: readonly Block[]) =>
  tree.map((block) =>
    block.kind === 'list' ? `${block.ordered ? 'steps' : 'list'} ${block.items.length}` : block.kind,
  );

test('every alert the agent raises by itself has a runbook in every language', async () => {
  assert.ok(builtIn.length >= 44, String(builtIn.length));
  for (const type of builtIn) {
    for (const language of runbookLanguages) await text({ type, profile: null, language });
  }
});

test('every runbook has a title, what it means, three to seven steps and whom to call, in each language as in English', async () => {
  const names = await files.list();
  assert.ok(names.length >= builtIn.length * runbookLanguages.length);
  for (const name of names) {
    const where = pathOf(name);
    const markdown = await text(name);
    const made = shape(treeOfText(markdown));
    assert.match(made.join(' '), /^heading paragraph heading steps [3-7] heading paragraph$/, where);
    assert.ok((titleOf(markdown) ?? '').length > 1, where);
    if (name.language === 'en') continue;
    const english = await text({ ...name, language: 'en' });
    assert.deepEqual(made, shape(treeOfText(english)), where);
    for (const [i, line] of markdown.split('\n').entries()) {
      if (/\p{L}{4}/u.test(line)) assert.notEqual(line, english.split('\n')[i], `${where}: a line is left English`);
    }
    const commands = (of: string) => [...of.matchAll(/`[^`]+`/g)].map(([code]) => code).toSorted();
    assert.deepEqual(commands(markdown), commands(english), where);
  }
  assert.deepEqual(told, []);
});

test('no runbook is there in one language alone, or for a type or profile that nobody has', async () => {
  const names = await files.list();
  const known = new Set(names.map(pathOf));
  for (const name of names) {
    for (const language of runbookLanguages) assert.ok(known.has(pathOf({ ...name, language })), pathOf(name));
    assert.ok(builtIn.includes(name.type), pathOf(name));
    if (name.profile !== null) assert.equal(loadProfile(name.profile, []).profile, name.profile);
  }
});

test('the scripts of the languages are their own', async () => {
  const script = {
    en: /[a-z]{4}/,
    zh: /\p{Script=Han}{4}/u,
    vi: /[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/,
    bn: /\p{Script=Bengali}{4}/u,
  };
  for (const name of await files.list()) assert.match(await text(name), script[name.language], pathOf(name));
});
