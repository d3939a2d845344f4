/** What the configuration may say of a machine, its wire and its senses; of the whole file: load.test.ts. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../agent/config/load.ts';
import { check, complaints, configOf, good } from './support.ts';

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

test('eye and ear of one cylinder have the same needles, counted alike', () => {
  const knit = (ear: string): string =>
    `version: 1\nsite: {id: s-1, timeZone: Asia/Dhaka}\ngateway: {id: gw-1}\nmachines:\n  - {id: ck-1, profile: sewing-retrofit-csv, endpoint: "tcp://127.0.0.1:1", eye: {camera: "file:///pictures", fabric: j, mmPerPx: 0.1, needles: 2000, feeders: 90, coursesPerCm: 18, circumferenceMm: 2000, position: index}, ear: {microphone: "alsa:hw:1,0"${ear}}}\n`;
  assert.deepEqual(complaints(knit('')), []);
  assert.deepEqual(complaints(knit(', needles: 2000, feeders: 90')), []);
  assert.match(String(complaints(knit(', needles: 2001'))), /ear\.needles is 2001, but the eye/);
  assert.match(
    String(complaints(knit(', needles: 2000, firstNeedle: 0'))),
    /counts its needles from another first one/,
  );
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
