import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { agentErrors } from '../../../agent/errors.ts';
import { FindingDesk } from '../../../agent/findings.ts';
import { GatewayAlerts } from '../../../agent/gateway-alerts.ts';
import { parseRules, shippedRules } from '../../../agent/rules/load.ts';
import { SoundDesk } from '../../../agent/sounds.ts';
import { alertTitle } from '../../../agent/web/alert-title.ts';
import { catalogueProblems, pageTextProblems } from '../../../agent/web/catalogue-problems.ts';
import { bn } from '../../../agent/web/languages/bn/index.ts';
import { en } from '../../../agent/web/languages/en/index.ts';
import { sameAsEnglish } from '../../../agent/web/languages/same.ts';
import { vi } from '../../../agent/web/languages/vi/index.ts';
import { zh } from '../../../agent/web/languages/zh/index.ts';
import { problemWord } from '../../../agent/web/problem-word.ts';
import { valueOf, valueWord } from '../../../agent/web/set-point-words.ts';
import { english, languageOf, wantedLanguage } from '../../../agent/web/speech.ts';
import { toldWord, suspectedWords } from '../../../agent/web/sound-words.ts';
import { lasted, siteTime } from '../../../agent/web/times.ts';
import { causeWord, faultFacts, signalWord, unitSign, valueText, writeWord } from '../../../agent/web/words.ts';
import { markupTexts } from '../../check/page-texts.ts';

const chinese = languageOf('zh', zh);
const vietnamese = languageOf('vi', vi);
const bangla = languageOf('bn', bn);

test('a text that is missing, empty, left over, English or filled otherwise is a problem', () => {
  const said = { a: 'Machine', b: 'Since {time}', c: 'OK', d: 'Roll', e: 'Over' };
  assert.deepEqual(
    catalogueProblems(said, { a: '机器', b: '自 {time} 起', c: 'OK', d: '布卷', e: '结束' }, { c: 'a sign' }),
    [],
  );
  assert.deepEqual(
    catalogueProblems(said, { b: '自 {tiem} 起', c: 'OK', d: ' ', e: 'Over', f: '多' }, { c: 'a sign' }),
    [
      'a: is missing',
      'b: is filled with {tiem}, the English text with {time}',
      'd: is empty',
      'e: is the English text',
      'f: there is no such English text',
    ],
  );
  // An inherited name is no text.
  assert.deepEqual(catalogueProblems({ constructor: 'Maker' }, {}, {}), ['constructor: is missing']);
});

test('the page has every text in every language, and no exception that nothing needs', () => {
  assert.deepEqual(pageTextProblems(), []);
  const english: Readonly<Record<string, string>> = en;
  const unused = Object.keys(sameAsEnglish).filter((key) =>
    [zh, vi, bn].every((texts) => (texts as Readonly<Record<string, string>>)[key] !== english[key]),
  );
  assert.deepEqual(unused, []);
});

test('the English title of every rule is the one the agent sends, and no title has no rule', () => {
  const shipped = [...parseRules(shippedRules()), ...GatewayAlerts.rules, ...SoundDesk.rules, ...FindingDesk.rules].map(
    ({ id, text }) => [`rule.${id}`, text],
  );
  const titles = Object.entries(en).filter(([key]) => key.startsWith('rule.'));
  assert.deepEqual(Object.fromEntries(titles), Object.fromEntries(shipped));
});

test('an alert of a shipped rule has its title in the language of the page; a text of the site stays its own', () => {
  const alert = (rule: string, text: string, evidence = {}) => ({ rule, text, evidence });
  const offline = alert('offline', 'The machine does not answer (connection lost)', { reason: 'connection-lost' });
  assert.equal(alertTitle(alert('thread-break', 'Needle thread broken'), chinese), '面线断线');
  assert.equal(alertTitle(alert('thread-break', 'Needle thread broken'), english), 'Needle thread broken');
  assert.equal(alertTitle(offline, chinese), '机器无应答（连接中断）');
  assert.equal(alertTitle(offline, english), offline.text);
  assert.equal(
    alertTitle(alert('machine-condition-high', 'The machine reports an alarm (Ölstand)'), vietnamese),
    'Máy báo động (Ölstand)',
  );
  for (const own of [
    alert('thread-break', 'Fil cassé'),
    alert('our-rule', 'Needle thread broken'),
    alert('constructor', 'Needle thread broken'),
    alert('offline', 'The machine does not answer today'),
  ])
    assert.equal(alertTitle(own, bangla), own.text);
});

test('every code the page answers with has a sentence; a code of another place shows the words that came with it', () => {
  const folder = join(import.meta.dirname, '../../../agent/page');
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  const given = sources.flatMap((source) => [
    ...[...source.matchAll(/refuse\(\s*reply,\s*[^,]+,\s*'([a-z-]+)'/g)].map(([, code]) => code ?? ''),
    ...[...source.matchAll(/^ {2}'?([a-z-]+)'?: \[\d{3}, /gm)].map(([, code]) => code ?? ''),
    ...[...source.matchAll(/^ {2}(writes?[A-Z]\w*): \d{3},/gm)].map(([, key]) => agentErrors[key as 'writesOff'].code),
    ...[...source.matchAll(/refuse\('([a-z-]+)', /g)].map(([, refused]) => `bad-${refused}`),
  ]);
  assert.ok(given.length > 40, String(given.length));
  const unknown = [...new Set(given)].filter((code) => english.named('problem', code) === null);
  assert.deepEqual(unknown, []);
  const wrong = { code: 'wrong-name-or-password', message: 'The name or the password is wrong.' };
  assert.equal(problemWord(wrong, chinese), '用户名或密码错误。');
  const waiting = { code: 'too-many-tries', message: 'Too many failed tries. Try again in 7 s.' };
  assert.equal(problemWord(waiting, english), waiting.message);
  assert.equal(problemWord({ code: 'offline', message: '' }, english), en['problem.offline']);
  assert.equal(problemWord({ code: 'AGT-999', message: 'Something new.' }, bangla), 'Something new.');
});

test('numbers, durations, times and units are those of the language', () => {
  const ms = 7_500_000;
  const all = [english, chinese, vietnamese, bangla];
  assert.deepEqual(
    all.map((language) => lasted(ms, language)),
    ['2 h 05 min', '2 小时 05 分钟', '2 giờ 05 phút', '২ ঘণ্টা ০৫ মিনিট'],
  );
  assert.deepEqual(
    all.map((language) => valueText({ value: 1234.5, kind: 'gauge' }, language)),
    ['1\u202f235', '1,235', '1.235', '১,২৩৫'],
  );
  assert.deepEqual(
    all.map((language) => valueText({ value: 71.4375, kind: 'gauge' }, language)),
    ['71.44', '71.44', '71,44', '৭১.৪৪'],
  );
  assert.equal(valueText({ value: 21, kind: 'code' }, bangla), '21', 'a code is as the panel shows it');
  assert.equal(valueText({ value: true, kind: 'flag' }, bangla), 'হ্যাঁ');
  const at = Date.UTC(2026, 2, 1, 17, 59, 5);
  const times = all.map((language) => siteTime('Asia/Dhaka', language));
  assert.deepEqual(
    times.map((time) => time.at(at, at)),
    ['23:59:05', '23:59:05', '23:59:05', '২৩:৫৯:০৫'],
  );
  assert.deepEqual(
    times.map((time) => time.minute(at + 60_000)),
    ['00:00', '00:00', '00:00', '০০:০০'],
  );
  assert.match(times[1]?.at(at, at + 60_000) ?? '', /^3月1日 23:59:05$/);
  assert.equal(unitSign('RPM', chinese), '转/分');
  assert.equal(unitSign('CEL', bangla), '°C');
});

test('names of machines and reasons are words in every language, and unknown ones stay visible', () => {
  assert.equal(causeWord('material.thread_break', vietnamese), 'Đứt chỉ');
  assert.equal(causeWord('connection-lost', bangla), 'সংযোগ বিচ্ছিন্ন');
  assert.equal(causeWord('vendor.code_777', bangla), 'Vendor code 777');
  assert.equal(signalWord('constructor', chinese), 'Constructor');
  assert.deepEqual(faultFacts({ evidence: { needle: 1207, k: 2, rollFromM: 12.345, roll: 3 } }, bangla), [
    'সুই ১২০৭ ± ২',
    'রোল ৩-এর ১২.৩৫ মিটারে',
  ]);
  const refused = { outcome: 'refused', detail: 'timeout' } as const;
  assert.equal(writeWord(refused, '4000', english), 'The machine refused it (no answer). It has 4000.');
  assert.equal(writeWord(refused, '4000', chinese), '机器拒绝了写入（无应答）。当前为 4000。');
});

test('what the ear tells of an alert is told in the language too', () => {
  assert.deepEqual(suspectedWords({ suspected: 'bentNeedle 0.82', angle: '143 ± 4 degrees' }, chinese), [
    '可能是（仅为推测，不是结论）：',
    '弯针（82%）：取下针，在平板上滚动检查',
    '在主轴标记后 143 ± 4 度处最响',
  ]);
  assert.equal(
    toldWord({ moved: 1.5, movedBy: '2 false alarms (o, p); 1 real fault (q: x)' }, bangla),
    'সীমা ১.৫ বিস্তার বাড়ানো অবস্থায় জানানো: ২টি ভুল সতর্কতা (o, p); ১টি আসল ত্রুটি (q: x)',
  );
});

test('a value that is shown can be typed again as it stands, in every language', () => {
  const number = { kind: 'number' } as const;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_999_999 }), fc.constantFrom(1, 10, 1000), (whole, parts) => {
      for (const language of [english, chinese, vietnamese, bangla])
        assert.equal(valueOf(valueWord(whole / parts, 'C62', language), number), whole / parts);
    }),
  );
  for (const text of ['', ' ', 'many', '১২x']) assert.equal(valueOf(text, number), null);
});

test('the language is the one that was chosen, else one the browser asks for, else English', () => {
  assert.equal(wantedLanguage('bn', ['vi-VN']), 'bn');
  assert.equal(wantedLanguage(null, ['fr-FR', 'zh-TW', 'vi']), 'zh');
  assert.equal(wantedLanguage('constructor', ['fr']), 'en');
});

test('a text for people in the markup is found, wherever it stands', () => {
  const source = `
    const A = () => (
      <div class="card" aria-label="Two words" title={on ? \`Machine \${name}\` : say('a.b')}>
        Loose text {busy ? 'Sending…' : say('alerts.note')} · {number(3)}
        <input placeholder={'Type here'} type="text" />
        {problem ?? 'It failed'}
        <code>selvedge user setup-link</code>
      </div>
    );`;
  assert.deepEqual(markupTexts('a.tsx', source).toSorted(), [
    'a.tsx:3: "Machine" stands in no catalogue',
    'a.tsx:3: "Two words" stands in no catalogue',
    'a.tsx:4: "Loose text" stands in no catalogue',
    'a.tsx:4: "Sending…" stands in no catalogue',
    'a.tsx:5: "Type here" stands in no catalogue',
    'a.tsx:6: "It failed" stands in no catalogue',
  ]);
});
