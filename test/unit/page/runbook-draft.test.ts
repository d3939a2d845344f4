import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, choose, chosenIn, draftOf, giveUp, saved, stay, typed } from '../../../agent/web/runbook-draft.ts';

const english = { language: 'en', profile: null } as const;
const chinese = { language: 'zh', profile: null } as const;
const bangla = { language: 'bn', profile: null } as const;
const own = { language: 'en', profile: 'sewing-modbus-ref' } as const;
const begun = draftOf(english, '# Oil');

test('a slow answer of a language that was left again does not come under the present one (D1)', () => {
  const asked = choose(choose(begun, chinese), bangla);
  const late = answered(asked, chinese, { language: 'zh', markdown: '# 油' });
  assert.deepEqual(late, asked);
  assert.deepEqual(answered(late, bangla, { language: 'bn', markdown: '# তেল' }), draftOf(bangla, '# তেল'));
  const back = choose(asked, { ...chinese });
  assert.deepEqual(answered(back, chinese, { language: 'zh', markdown: '# 油' }), back);
});

test('a language that cannot be read leaves the text under its own (D1)', () => {
  assert.deepEqual(answered(choose(begun, chinese), chinese, null), begun);
});

test('another profile is read like another language (D1)', () => {
  const found = { language: 'en', markdown: '# Oil of this machine' } as const;
  assert.deepEqual(answered(choose(begun, own), own, found), draftOf(own, found.markdown));
});

test('text that is not saved is asked about, kept, or given up; what is saved is not (D2)', () => {
  const written = typed(begun, '# Oil, mine');
  const asked = choose(written, chinese);
  assert.equal(asked.next?.step, 'ask');
  assert.equal(chosenIn(asked), chinese);
  assert.deepEqual(answered(asked, chinese, { language: 'zh', markdown: '# 油' }), asked);
  assert.deepEqual(stay(asked), written);
  const given = giveUp(asked);
  assert.deepEqual(answered(given, chinese, { language: 'zh', markdown: '# 油' }), draftOf(chinese, '# 油'));
  assert.equal(choose(saved(written, written.text), chinese).next?.step, 'load');
});

test('where nobody wrote it in that language the text stays to be translated (D3)', () => {
  const found = answered(choose(begun, bangla), bangla, { language: 'en', markdown: '# Oil level low' });
  assert.deepEqual(found, draftOf(bangla, '# Oil'));
});
