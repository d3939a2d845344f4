import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { webhookProblem } from '../../../agent/config/notify-schema.ts';
import { mailText } from '../../../agent/notify/mail-text.ts';
import {
  due,
  failed,
  mostWaiting,
  nothingWaits,
  offer,
  sent,
  staleMs,
  type Notice,
} from '../../../agent/notify/plan.ts';

let made = 0;
const notice = (text = 'Needle thread broken', name = 'Overlock 1'): Notice => ({
  occurrence: `occ-${(made += 1)}`,
  machine: 'ov-1',
  name,
  rule: 'thread_break',
  priority: 'high',
  text,
  onsetMs: 1_700_000_000_000,
});
const step = fc.oneof(
  fc.record({ kind: fc.constant('offer' as const), count: fc.integer({ min: 0, max: 300 }) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 2 * staleMs }) }),
  fc.record({ kind: fc.constant('send' as const), works: fc.boolean() }),
);

test('whatever comes, what waits is bounded, every alert is told, waits or is counted as dropped, and messages keep their gap', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let state = nothingWaits;
      let now = 0;
      let offered = 0;
      let lastSent = -Infinity;
      for (const one of steps) {
        if (one.kind === 'pass') now += one.ms;
        else if (one.kind === 'offer') {
          offered += one.count;
          state = offer(
            state,
            Array.from({ length: one.count }, () => notice()),
            now,
          );
        } else {
          const next = due(state, now);
          ({ state } = next);
          if (next.notices === null) continue;
          assert.ok(now - lastSent >= 60_000);
          if (one.works) {
            state = sent(state, next.notices, now, 60_000);
            lastSent = now;
          } else state = failed(state, now, 60_000);
        }
        assert.ok(state.notices.length <= mostWaiting);
        assert.equal(state.sent + state.dropped + state.notices.length, offered);
      }
    }),
  );
});

test('after failures the wait doubles, to ten minutes at most', () => {
  let state = offer(nothingWaits, [notice()], 0);
  const waits: number[] = [];
  for (let i = 0; i < 9; i += 1) {
    state = failed(state, 0, 1_000);
    waits.push(state.nextMs / 1000);
  }
  assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
});

test('what a machine or an alert is called stays in its line of the mail, in every language', () => {
  const site = { name: 'Demo\r\nBcc: eve@evil.example', timeZone: 'Asia/Dhaka' };
  for (const language of ['en', 'zh', 'vi', 'bn'] as const) {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const mail = mailText([notice(text, text)], 0, site, language);
        assert.doesNotMatch(mail.subject, /[\r\n]/);
        assert.equal(mail.text.split(/[\r\n\u2028\u2029]/).length, 4);
      }),
    );
  }
});

test('a webhook is encrypted, or private and said so in words', () => {
  const problem = (url: string, plain = false) => webhookProblem(url, plain) === null;
  assert.ok(problem('https://hooks.factory.example/x'));
  for (const url of ['http://127.0.0.1/x', 'http://192.168.1.9/x', 'http://10.0.0.1:8080/', 'http://[fd00::1]/']) {
    assert.ok(!problem(url));
    assert.ok(problem(url, true), url);
  }
  for (const url of [
    'http://hooks.example/x',
    'http://8.8.8.8/',
    'http://10.0.0.1.evil.example/',
    'http://172.32.0.1/',
    'file:///etc/passwd',
    'ftp://10.0.0.1/',
    'https://user:word@hooks.example/',
    'nothing',
  ]) {
    assert.ok(!problem(url, true), url);
  }
});
