import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigErrors, loadConfig } from '../../../agent/config/load.ts';
import { AgentError } from '../../../agent/errors.ts';
import { check, complaints, configOf, exampleText, fullExampleText, good, issuesOf } from './support.ts';

test('a short file gets every default', () => {
  const config = configOf(good);
  assert.equal(config.site.name, 'demo');
  assert.equal(config.dataDir, '/etc/selvedge/data');
  assert.deepEqual(config.page, { bind: '127.0.0.1', port: 8440, names: [] });
  assert.deepEqual(config.storage, { budgetMiB: 2048, ringDays: 7, ringShare: 0.4 });
  assert.deepEqual(config.log, { level: 'info', statusEveryS: 60 });
  assert.equal(config.uplink, null);
  const [line, knit] = config.machines;
  assert.equal(line?.kind, 'lockstitch', 'the kind of the profile');
  assert.equal(line?.opcua, null);
  assert.deepEqual(line?.address, { transport: 'line-tcp', host: '127.0.0.1', port: 4001 });
  assert.equal(knit?.kind, 'circular-knit');
  assert.equal(knit?.opcua?.security, 'SignAndEncrypt');
  assert.equal(knit?.unit, null);
});

test('the configuration cannot be changed, to its depth', () => {
  const config = configOf(good);
  assert.throws(() => Object.assign(config.log, { level: 'debug' }), TypeError);
  assert.throws(() => Object.assign(config.machines[0] ?? {}, { name: 'x' }), TypeError);
  assert.throws(() => (config.machines as unknown[]).push(1), TypeError);
});

test('the example is good as it is and with all that is optional in it', () => {
  assert.deepEqual(complaints(exampleText), []);
  assert.deepEqual(complaints(fullExampleText), []);
  assert.notEqual(exampleText, fullExampleText);
  assert.equal(configOf(fullExampleText).uplink?.password, 'file:/etc/selvedge/secrets/uplink.password');
});

test('all mistakes are told at once, in the order of the file, with place and cure', () => {
  const text = `version: 1
site: {id: Demo Floor, timeZone: Asia/Daka}
gateway: {id: demo-gw}
machines:
  - id: rt-1
    profile: sewing-retrofit-csvv
    endpoint: tcp://127.0.0.1:4001
  - id: rt-1
    profil: sewing-retrofit-csv
    endpoint: tcp://127.0.0.1
    kind: lockstich
log: {level: 3}
`;
  assert.deepEqual(complaints(text), [
    '2: site.id is not written rightly',
    '2: site.timeZone is not a time zone this system knows',
    '6: machines[0].profile names the profile "sewing-retrofit-csvv", which is not there',
    '8: machines[1].profile is missing',
    '8: machines[1].id is "rt-1", as machines[0] is',
    '9: machines[1].profil is no setting',
    '10: machines[1].endpoint has no port',
    '11: machines[1].kind is none of the possible values ("lockstich")',
    '12: log.level is none of the possible values (3)',
  ]);
  const cures = issuesOf(text).map((issue) => issue.right);
  assert.match(cures[2] ?? '', /did you mean sewing-retrofit-csv\?/);
  assert.match(cures[5] ?? '', /did you mean profile\?/);
  assert.match(cures[6] ?? '', /tcp:\/\/host:port/);
  assert.match(cures[7] ?? '', /did you mean lockstitch\?/);
  assert.deepEqual({ line: issuesOf(text)[5]?.line, column: issuesOf(text)[5]?.column }, { line: 9, column: 5 });
});

test('a password in clear is refused and never repeated', () => {
  const text = `${good}    opcua: {user: u, password: hunter2-secret, passwort: hunter2-secret}
uplink: {url: "mqtts://me:hunter2-secret@bridge.example", password: hunter2-secret, bridgeKey: b.pem}
`;
  const result = check(text);
  assert.ok('issues' in result);
  assert.deepEqual(
    result.issues.map((issue) => issue.path),
    ['machines[1].opcua.password', 'machines[1].opcua.passwort', 'uplink.url', 'uplink.password'],
  );
  assert.doesNotMatch(JSON.stringify(result.issues), /hunter2/);
});

test('broken YAML is told with line and without quoting it', () => {
  for (const [text, line] of [
    [`${good}password: "hunter2\n`, 14],
    [`version: 1\n\tsite: hunter2\n`, 2],
    [`version: 1\nversion: 1\n`, 2],
    [`a: *hunter2\n`, 1],
    [`a: !hunter2 b\n`, 1],
    [`---\na: 1\n---\nb: hunter2\n`, 3],
  ] as const) {
    const [issue] = issuesOf(text);
    assert.equal(issue?.line, line, text);
    assert.doesNotMatch(JSON.stringify(issue), /hunter2/, text);
  }
});

test('an empty file, a list and a text are told', () => {
  assert.match(complaints('')[0] ?? '', /the file is empty/);
  assert.match(complaints('# only a comment')[0] ?? '', /the file is empty/);
  assert.match(complaints('- 1')[0] ?? '', /is a list/);
  assert.match(complaints('hello')[0] ?? '', /is a text/);
});

test('the endpoints file wins over the configuration, by id', () => {
  const overlay = JSON.stringify({
    machines: [
      { id: 'rt-1', profile: 'sewing-retrofit-csv', protocol: 'line-tcp', endpoint: 'tcp://127.0.0.1:9001' },
      { id: 'ck-1', protocol: 'opcua', endpoint: 'opc.tcp://127.0.0.1:9002', serverFingerprint: 'AB'.repeat(32) },
      { id: 'not-watched', endpoint: 'tcp://127.0.0.1:1' },
    ],
    uplink: 'mqtt://127.0.0.1:9003',
  });
  const config = configOf(`${good}uplink: {url: "mqtts://bridge.example", bridgeKey: b.pem}\n`, overlay);
  assert.deepEqual(
    config.machines.map((machine) => machine.endpoint),
    ['tcp://127.0.0.1:9001', 'opc.tcp://127.0.0.1:9002'],
  );
  assert.equal(config.machines[1]?.opcua?.serverFingerprint, 'ab'.repeat(32));
  assert.equal(config.uplink?.brokers[0], 'mqtt://127.0.0.1:9003');
});

test('a machine needs an endpoint from one of the two files', () => {
  const text = good.replace('    endpoint: tcp://127.0.0.1:4001\n', '');
  assert.match(complaints(text)[0] ?? '', /^8: machines\[0\] has no endpoint/);
  const overlay = JSON.stringify({ machines: [{ id: 'rt-1', endpoint: 'tcp://127.0.0.1:1' }] });
  assert.deepEqual(complaints(text, { overlay }), []);
});

test('mistakes of the endpoints file name that file', () => {
  const overlay =
    '{"machines": [\n{"id": "rt-1", "endpoint": "modbus://127.0.0.1"},\n{"id": "ck-1"}],\n"uplink": "mqtt://1.2.3.4"}';
  const issues = issuesOf(good, { overlay });
  assert.deepEqual(
    issues.map((issue) => `${issue.file}:${issue.line} ${issue.path} ${issue.what}`),
    [
      '/run/endpoints.json:2 machines[0].endpoint is modbus, but the profile sewing-retrofit-csv speaks line',
      '/run/endpoints.json:3 machines[1].endpoint is missing',
      '/run/endpoints.json:4 uplink is given, but the configuration has no uplink section',
      '/run/endpoints.json:4 uplink is plain MQTT over a network, which anybody on it can read',
    ],
  );
});

test('plain MQTT is for loopback alone', () => {
  const uplink = (url: string) => complaints(`${good}uplink: {url: "${url}", bridgeKey: b.pem}\n`);
  for (const url of ['mqtt://127.0.0.1:1883', 'mqtt://localhost', 'mqtt://[::1]:1883', 'mqtts://10.0.0.1']) {
    assert.deepEqual(uplink(url), [], url);
  }
  for (const url of ['mqtt://10.0.0.1', 'mqtt://127.0.0.1.evil.example', 'http://127.0.0.1', 'bridge']) {
    assert.equal(uplink(url).length, 1, url);
  }
});

test('the page is open to other computers only at an address and with names, over HTTPS', () => {
  for (const bind of ['127.0.0.1', '::1', 'localhost'])
    assert.deepEqual(complaints(`${good}page: {bind: "${bind}"}`), []);
  for (const bind of ['0.0.0.0', '::', '192.168.1.5']) {
    const said = complaints(`${good}page: {bind: "${bind}"}`);
    assert.match(said.join(), /page\.bind is .*page\.names is empty/, bind);
    assert.deepEqual(complaints(`${good}page: {bind: "${bind}", names: [gw.local, 192.168.1.5]}`), [], bind);
  }
  assert.match(
    complaints(`${good}page: {bind: gateway.local, names: [gw.local]}`).join(),
    /page\.bind is .*no address/,
  );
  for (const name of ['https://gw', '*.local', 'gw:8440', '0.0.0.0', '', 'a b']) {
    assert.match(complaints(`${good}page: {names: ["${name}"]}`).join(), /page\.names\[0\]/, name);
  }
});

test('files that the configuration names must be there', () => {
  const text = `${good}uplink: {url: "mqtts://bridge.example", bridgeKey: b.pem, ca: ca.pem}\n`;
  assert.deepEqual(complaints(text), []);
  const found = complaints(text, { missing: ['/etc/selvedge/b.pem', '/etc/selvedge/ca.pem'] });
  assert.equal(found.length, 2);
  assert.match(found[0] ?? '', /^14: uplink\.bridgeKey names the file b\.pem/);
});

test('rules are checked by the part that knows them', () => {
  const text = `${good}    rules: {offline: {afterS: -1}}
rules:
  ofline: {afterS: 4}
  oil-low: {limit: low}
  thread-break: {enabled: false}
`;
  const found = complaints(text);
  assert.equal(found.length, 3, found.join('\n'));
  assert.match(found[0] ?? '', /^14: machines\[1\]\.rules\.offline\.afterS is wrong/);
  assert.match(found[1] ?? '', /^16: rules\.ofline is no shipped rule/);
  assert.match(found[2] ?? '', /^17: rules\.oil-low\.limit is wrong/);
});

test('a calendar that overlaps is told where', () => {
  const shift = '{id: a, days: [mon, tue], from: "22:00", to: "22:00"}';
  const text = good.replace(
    'gateway:',
    `  calendar:\n    plans:\n      - shifts:\n          - ${shift}\n          - ${shift}\ngateway:`,
  );
  const found = complaints(text);
  assert.match(found[0] ?? '', /^9: site\.calendar\.plans\[0\]\.shifts\[1\]/);
});

test('files on disk: relative paths, missing files and folders', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-config-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'agent.yaml');
  writeFileSync(file, `${good}dataDir: ../data\n`);
  assert.equal(loadConfig(file).dataDir, join(dir, '../data'));

  const noFile = (run: () => unknown) =>
    assert.throws(run, (error) => error instanceof AgentError && error.entry.code === 'AGT-100');
  noFile(() => loadConfig(join(dir, 'nothing.yaml')));
  noFile(() => loadConfig(dir));
  noFile(() => loadConfig(file, { endpoints: join(dir, 'nothing.json') }));

  writeFileSync(file, good.replace('demo-gw', 'Demo GW'));
  assert.throws(
    () => loadConfig(file),
    (error) => error instanceof ConfigErrors && error.message.includes(`${file}:6:7: gateway.id`),
  );
});

test('profiles of the site are found in profileDirs and by path', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-config-'));
  t.after(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'profiles'));
  const profile = `profile: own-line
version: 1
title: Own line
kind: other
protocol: line
verified: false
source: [ours]
line: {fields: 1, expectEveryMs: 1000}
signals:
  spindle.speed: {kind: gauge, unit: RPM, from: {field: 0}}
states:
  - {when: {signal: spindle.speed, above: 0}, state: RUN}
  - {state: IDLE}
`;
  writeFileSync(join(dir, 'profiles/own-line.yaml'), profile);
  const file = join(dir, 'agent.yaml');
  const withProfile = (reference: string) => good.replace('sewing-retrofit-csv', reference);
  writeFileSync(file, `${withProfile('own-line')}profileDirs: [profiles]\n`);
  assert.equal(loadConfig(file).machines[0]?.kind, 'other');
  writeFileSync(file, withProfile('profiles/own-line.yaml'));
  assert.equal(loadConfig(file).machines[0]?.profile, join(dir, 'profiles/own-line.yaml'));
  writeFileSync(join(dir, 'profiles/own-line.yaml'), profile.replace('kind: gauge', 'kind: gaga'));
  // The complaint is about the file of the profile, at its line, and comes once for all machines that name it.
  writeFileSync(file, withProfile('profiles/own-line.yaml'));
  assert.throws(
    () => loadConfig(file),
    (error) => {
      assert.ok(error instanceof ConfigErrors);
      const [issue, ...more] = error.issues;
      assert.deepEqual(more, []);
      assert.equal(issue?.file, join(dir, 'profiles/own-line.yaml'));
      assert.deepEqual([issue?.line, issue?.path], [10, 'signals.spindle.speed.kind']);
      assert.equal(issue?.right, 'gauge, counter, flag, code or text');
      return true;
    },
  );
  writeFileSync(file, `${good}profileDirs: [nothing]\n`);
  assert.throws(() => loadConfig(file), /profileDirs\[0\] does not exist/);
});
