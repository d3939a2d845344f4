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
  assert.deepEqual(config.page, { bind: '127.0.0.1', port: 8440 });
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

test('the page stays on loopback', () => {
  for (const bind of ['127.0.0.1', '::1', 'localhost'])
    assert.deepEqual(complaints(`${good}page: {bind: "${bind}"}`), []);
  for (const bind of ['0.0.0.0', '::', '192.168.1.5', 'gateway.local']) {
    assert.match(complaints(`${good}page: {bind: "${bind}"}`)[0] ?? '', /page\.bind is/, bind);
  }
});

test('files that the configuration names must be there', () => {
  const text = `${good}uplink: {url: "mqtts://bridge.example", bridgeKey: b.pem, ca: ca.pem}\n`;
  assert.deepEqual(complaints(text), []);
  const found = complaints(text, { missing: ['/etc/selvedge/b.pem', '/etc/selvedge/ca.pem'] });
  assert.equal(found.length, 2);
  assert.match(found[0] ?? '', /^14: uplink\.bridgeKey names the file b\.pem/);
});

test('settings that do not fit the protocol are told', () => {
  const text = `${good}    unit: 3
    serial: {baudRate: 9600}
    polls: {normal: {intervalMs: 100}}
    maxRequestsPerS: 5
`;
  assert.deepEqual(complaints(text), [
    '14: machines[1].unit is for Modbus, EFKA and the knit floor alone',
    '15: machines[1].serial does nothing with a network endpoint',
    '16: machines[1].polls is for Modbus and EFKA alone',
    '17: machines[1].maxRequestsPerS is for Modbus alone',
  ]);
});

test('writing is off unless the file says so, and needs a profile that lists what may be written', (t) => {
  assert.match(
    complaints(`${good}    writes: {enabled: true}`)[0] ?? '',
    /^14: machines\[1\]\.writes\.enabled is true, but the profile .* lists nothing that may be written/,
  );
  assert.deepEqual(complaints(`${good}    writes: {enabled: false}`), []);
  assert.match(complaints(`${good}    writes: true`)[0] ?? '', /machines\[1\]\.writes/);
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-config-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const profile = `profile: settable
version: 1
title: Settable
kind: other
protocol: modbus
verified: false
source: [a test]
signals:
  spindle.speed: { kind: gauge, unit: RPM, from: { table: holding, address: 0 } }
writes:
  speed.max: { title: Highest speed, table: holding, address: 10, range: [200, 5000] }
states:
  - state: IDLE
`;
  writeFileSync(join(dir, 'settable.yaml'), profile);
  const config = (writes: string, unit = 1) => {
    const file = join(dir, 'agent.yaml');
    const machine = `{id: m-1, name: M, profile: ./settable.yaml, endpoint: "modbus://127.0.0.1", unit: ${unit}${writes}}`;
    writeFileSync(file, `${good.slice(0, good.indexOf('machines:'))}machines:\n  - ${machine}\n`);
    return file;
  };
  assert.equal(loadConfig(config('')).machines[0]?.writes, false);
  assert.equal(loadConfig(config(', writes: {}')).machines[0]?.writes, false);
  assert.equal(loadConfig(config(', writes: {enabled: true}')).machines[0]?.writes, true);
  assert.throws(() => loadConfig(config(', writes: {enabled: true}', 0)), /unit 0 is everybody behind a gateway/);
});

test('EFKA drives share a line by their addresses, and with nothing else', () => {
  const drive = (id: string, more: string, at = 'serial:///dev/ttyUSB0'): string =>
    `  - {id: ${id}, profile: sewing-efka-serial, endpoint: "${at}"${more}}\n`;
  assert.deepEqual(
    complaints(`${good}${drive('a', '')}${drive('b', ', unit: 241, polls: {slow: {intervalMs: 9000}}')}`),
    [],
  );
  assert.deepEqual(complaints(`${good}${drive('a', '')}${drive('b', ', unit: 240')}`), [
    '15: machines[3].endpoint has the same unit 240 as machines[2]',
  ]);
  assert.deepEqual(complaints(`${good}${drive('a', ', unit: 3')}`), [
    '14: machines[2].unit is 3, which the check of a telegram does not protect',
  ]);
  assert.deepEqual(complaints(`${good}${drive('a', '', 'tcp://127.0.0.1:4001')}`), [
    '14: machines[2].endpoint is that of machines[0], which speaks line and not efka',
  ]);
  assert.deepEqual(complaints(`${good}${drive('a', '', 'modbus://10.0.0.1')}`), [
    '14: machines[2].endpoint is modbus, but the profile sewing-efka-serial speaks efka',
  ]);
  const found = check(`${good}${drive('a', '')}${drive('b', ', unit: 255')}`);
  assert.ok('config' in found);
  assert.deepEqual(
    found.config.machines.map(({ unit }) => unit),
    [null, null, 240, 255],
  );
});

test('a user without password, and a password over a session in clear, are told', () => {
  assert.match(complaints(`${good}    opcua: {user: u}`)[0] ?? '', /opcua\.user has no password/);
  assert.match(complaints(`${good}    opcua: {password: "env:PW"}`)[0] ?? '', /opcua\.password has no user/);
  const clear = complaints(`${good}    opcua: {user: u, password: "env:PW", security: None}`);
  assert.match(clear[0] ?? '', /opcua\.security is None, so the password would cross the network in clear/);
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

test('an interval is for the poll classes that signals of the profile are in, as the driver has it', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-config-'));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(
    join(dir, 'own.yaml'),
    `profile: own
version: 1
title: Own
kind: other
protocol: modbus
verified: false
source: [ours]
polls: {idle: {intervalMs: 5000}}
signals:
  spindle.speed: {kind: gauge, unit: RPM, from: {table: input, address: 0}}
states: [{state: IDLE}]
`,
  );
  const file = join(dir, 'agent.yaml');
  const withPoll = (name: string) =>
    `version: 1
site: {id: s, timeZone: UTC}
gateway: {id: g}
machines: [{id: m, profile: own.yaml, endpoint: "modbus://127.0.0.1", polls: {${name}: {intervalMs: 500}}}]
`;
  writeFileSync(file, withPoll('normal'));
  assert.equal(loadConfig(file).machines[0]?.polls['normal']?.intervalMs, 500);
  writeFileSync(file, withPoll('idle'));
  assert.throws(() => loadConfig(file), /polls\.idle is no poll class of the profile; right: one of normal/);
});

test('data bits that Modbus RTU cannot be sent with are told, in the section as in the address', () => {
  const rtu = (endpoint: string, more: string): string =>
    `version: 1\nsite: {id: s-1, timeZone: Asia/Dhaka}\ngateway: {id: gw-1}\nmachines:\n  - {id: ov-1, profile: sewing-modbus-ref, endpoint: "${endpoint}"${more}}\n`;
  assert.deepEqual(complaints(rtu('modbus+rtu:///dev/ttyUSB0', ', serial: {dataBits: 8}')), []);
  assert.deepEqual(complaints(rtu('modbus+rtu:///dev/ttyUSB0', ', serial: {dataBits: 7}')), [
    '5: machines[0].serial.dataBits is 7, but Modbus RTU is sent with 8 data bits',
  ]);
  assert.equal(complaints(rtu('modbus+rtu:///dev/ttyUSB0?dataBits=7', '')).length, 1);
});

test('a camera over a flat web needs what tells how far the web has run, and stands beside no eye of a tube', () => {
  const withWeb = (more: string, beside = ''): string =>
    `version: 1\nsite: {id: s-1, timeZone: Asia/Dhaka}\ngateway: {id: gw-1}\nmachines:\n  - {id: st-1, profile: sewing-retrofit-csv, endpoint: "tcp://127.0.0.1:1", webEye: {camera: "file:///pictures", fabric: poplin, mmPerPx: 0.2, widthMm: 1600, ${more}}${beside}}\n`;
  assert.deepEqual(complaints(withWeb('position: encoder, mmPerCount: 0.1')), []);
  assert.deepEqual(complaints(withWeb('position: speed, speedSignal: web.speed')), []);
  assert.match(String(complaints(withWeb('position: encoder'))), /webEye has position encoder and no mmPerCount/);
  assert.match(String(complaints(withWeb('position: speed'))), /webEye has position speed and no speedSignal/);
  const eye =
    ', eye: {camera: "file:///pictures", fabric: j, mmPerPx: 0.1, needles: 2000, feeders: 90, coursesPerCm: 18, circumferenceMm: 2000, position: index}';
  assert.match(String(complaints(withWeb('position: encoder, mmPerCount: 0.1', eye))), /webEye is given beside eye/);
});

test('clips of sound are kept where somebody asks for it, by a key that stands elsewhere, and for days that end', () => {
  const ear = (more: string) =>
    good.replace('    endpoint: tcp://127.0.0.1:4001\n', `$&    ear: { microphone: "alsa:hw:1,0"${more} }\n`);
  assert.equal(configOf(ear('')).machines[0]?.ear?.keepClips, null, 'no sound is kept by itself');
  const kept = configOf(ear(', keepClips: { days: 7, seconds: 3, key: "file:clips.key" }')).machines[0]?.ear?.keepClips;
  assert.deepEqual(kept, { days: 7, seconds: 3, key: 'file:/etc/selvedge/clips.key' });
  for (const wrong of [
    'days: 7, seconds: 6, key: "env:CLIPS"',
    'days: 0, seconds: 3, key: "env:CLIPS"',
    'seconds: 3, key: "env:CLIPS"',
    `days: 7, seconds: 3, key: "${'ab'.repeat(32)}"`,
  ]) {
    const told = complaints(ear(`, keepClips: { ${wrong} }`));
    assert.equal(told.length, 1, wrong);
    assert.ok(!told[0]?.includes('ab'.repeat(32)), 'a key in clear is never repeated');
  }
});
