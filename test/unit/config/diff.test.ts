import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { diffConfig, formatChange, liveConfig } from '../../../agent/config/diff.ts';
import { configOf, fullExampleText, good } from './support.ts';

const base = configOf(good);
const changes = (text: string) => diffConfig(base, configOf(text)).map((c) => [c.path, c.from, c.to, c.restart]);

test('nothing changed, nothing told', () => {
  assert.deepEqual(diffConfig(base, configOf(good)), []);
});

test('names, places, log and rules apply while it runs', () => {
  const text = `${good.replace('  - id: rt-1\n', '  - id: rt-1\n    name: Retrofit\n    line: line-1\n')}log: {level: debug, statusEveryS: 5}
rules: {offline: {afterS: 60}}
`;
  assert.deepEqual(changes(text), [
    ['machines[rt-1].name', 'rt-1', 'Retrofit', false],
    ['machines[rt-1].line', null, 'line-1', false],
    ['rules.offline', null, { afterS: 60 }, false],
    ['log.level', 'info', 'debug', false],
    ['log.statusEveryS', 60, 5, false],
  ]);
});

test('endpoints, identities, the page and the uplink wait for the next start', () => {
  const text = `${good.replace('4001', '4002').replace('demo-gw', 'other-gw')}page: {port: 9000}
uplink: {url: "mqtts://bridge.example", bridgeKey: b.pem, password: "env:PW"}
`;
  const found = changes(text);
  assert.deepEqual(
    found.map(([path, , , restart]) => [path, restart]),
    [
      ['gateway.id', true],
      ['gateway.name', false],
      ['machines[rt-1].endpoint', true],
      ['uplink', true],
      ['page.port', true],
    ],
  );
});

test('machines go by id: another order is no change, another machine is one', () => {
  const [head = '', list = ''] = good.split('machines:\n');
  const [, first = '', second = ''] = list.split(/^ {2}- /m);
  assert.deepEqual(changes(`${head}machines:\n  - ${second}  - ${first}`), []);
  const without = changes(`${head}machines:\n  - ${second}`);
  assert.equal(without.length, 1);
  assert.deepEqual([without[0]?.[0], without[0]?.[2], without[0]?.[3]], ['machines[rt-1]', null, true]);
});

test('a secret shows as its reference', () => {
  const uplink = (reference: string) =>
    configOf(`${good}uplink: {url: "mqtts://bridge.example", bridgeKey: b.pem, password: "${reference}"}\n`);
  const [change] = diffConfig(uplink('env:OLD'), uplink('file:new.password'));
  assert.ok(change);
  assert.equal(
    formatChange(change),
    'uplink.password: "env:OLD" -> "file:/etc/selvedge/new.password" (takes effect at the next start)',
  );
});

test('what is live after a reload has all live changes and no other', () => {
  const text = fullExampleText;
  const edits: readonly [from: string, to: string][] = [
    ['level: info', 'level: warn'],
    ['statusEveryS: 60', 'statusEveryS: 7'],
    ['port: 8440', 'port: 8441'],
    ['name: Lockstitch 1', 'name: Left lockstitch'],
    ['line: line-1', 'line: line-9'],
    ['unit: 7', 'unit: 8'],
    ['baudRate: 19200', 'baudRate: 9600'],
    ['budgetMiB: 2048', 'budgetMiB: 4096'],
    ['    afterS: 60', '    afterS: 90'],
    ['from: "22:00"', 'from: "21:00"'],
    ['id: dhaka-2-gw1', 'id: dhaka-2-gw2'],
    ['  - id: rt-1', '  - id: rt-2'],
    ['Asia/Dhaka', 'Asia/Kolkata'],
    ['limit: 20', 'limit: 25'],
    ['ackTimeoutS: 20', 'ackTimeoutS: 30'],
  ];
  for (const [from] of edits) assert.ok(text.includes(from), from);
  const before = configOf(text);
  fc.assert(
    fc.property(fc.subarray([...edits]), (chosen) => {
      const after = configOf(chosen.reduce((all, [from, to]) => all.replace(from, to), text));
      const live = liveConfig(before, after);
      const all = diffConfig(before, after);
      assert.deepEqual(
        diffConfig(before, live),
        all.filter((change) => !change.restart),
      );
      assert.deepEqual(
        diffConfig(live, after),
        all.filter((change) => change.restart),
      );
      assert.ok(Object.isFrozen(live) && Object.isFrozen(live.log));
    }),
    { numRuns: 25 },
  );
});

test('of targets of notices the log says that they changed, and no address', () => {
  const notify = (token: string) =>
    `${good}notify: [{name: chat, kind: webhook, url: "https://chat.example/hook/${token}", secret: "file:hook.secret"}]\n`;
  const lines = diffConfig(configOf(notify('one-token')), configOf(notify('two-token'))).map(formatChange);
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines.join('\n'), /token|example/);
  assert.match(lines[0] ?? '', /^notify.*: changed/);
});
