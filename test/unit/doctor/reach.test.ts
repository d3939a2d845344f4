import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEndpoint } from '../../../agent/config/endpoint.ts';
import { packagesOf } from '../../../agent/doctor/examine.ts';
import { judgeMachine, judgeTrust, judgeUplink, targetOf, targetText, tcpOf } from '../../../agent/doctor/reach.ts';
import { configOf, good } from '../config/support.ts';

/** Where an endpoint leads, as text. */
function leads(endpoint: string): string {
  const address = parseEndpoint(endpoint);
  return 'problem' in address ? address.problem : targetText(targetOf(address));
}

test('every endpoint leads to a host and port or to a device', () => {
  assert.equal(leads('modbus://ls-1.floor'), 'ls-1.floor:502');
  assert.equal(leads('modbus+rtu://[fd00::1]:4001'), '[fd00::1]:4001');
  assert.equal(leads('modbus+rtu:///dev/ttyUSB0'), '/dev/ttyUSB0');
  assert.equal(leads('serial:///dev/ttyUSB1?baudRate=9600'), '/dev/ttyUSB1');
  assert.equal(leads('tcp://192.0.2.1:7'), '192.0.2.1:7');
  assert.equal(leads('opc.tcp://[::1]/path'), '[::1]:4840');
  assert.equal(leads('opc.tcp://ck:50000/path'), 'ck:50000');
  assert.deepEqual(tcpOf('mqtts://bridge.example'), { kind: 'tcp', host: 'bridge.example', port: 8883 });
  assert.deepEqual(tcpOf('mqtt://127.0.0.1:18830'), { kind: 'tcp', host: '127.0.0.1', port: 18830 });
});

const target = { kind: 'tcp', host: 'm', port: 502 } as const;

test('a machine that takes a connection is well; every other outcome has a cure of its own', () => {
  assert.deepEqual(judgeMachine('ls-1', { target, reach: { ok: true, ms: 3.4 } }), {
    id: 'machine:ls-1',
    ok: true,
    detail: 'm:502 takes connections (3 ms)',
    cure: null,
  });
  const cures = (['unknown-name', 'silent', 'refused', 'no-route'] as const).map((why) => {
    const check = judgeMachine('ls-1', { target, reach: { ok: false, why, code: 'ECODE' } });
    assert.match(check.detail, /m:502.*\(ECODE\)$/);
    return check.cure;
  });
  assert.equal(new Set(cures).size, 4);
});

test('beside a running agent a machine is left alone, and that is said', () => {
  const check = judgeMachine('a', 'left-to-the-agent');
  assert.equal(check.ok, true);
  assert.match(check.detail, /left to the running agent/);
});

test('a serial device must be there, be a device, and be for this user', () => {
  const device = (problem: 'missing' | 'no-device' | 'forbidden' | null) =>
    judgeMachine('ov-1', { target: { kind: 'serial', path: '/dev/ttyS9' }, device: { problem } });
  assert.equal(device(null).ok, true);
  assert.match(device('missing').detail, /\/dev\/ttyS9 is not there/);
  assert.match(device('no-device').detail, /no serial device/);
  assert.match(device('forbidden').cure ?? '', /dialout/);
  const two = { problem: 'ambiguous', detail: 'DRV-310 usb/1a86:7523: /dev/ttyUSB0 and /dev/ttyUSB1' } as const;
  const ambiguous = judgeMachine('m', { target: { kind: 'serial', path: 'usb/1a86:7523' }, device: two });
  assert.equal(ambiguous.ok, false);
  assert.match(ambiguous.detail, /ttyUSB0 and .*ttyUSB1/);
  assert.match(ambiguous.cure ?? '', /serial number/);
});

test('a server of SignAndEncrypt needs a pinned fingerprint or a certificate in the trust list', () => {
  const opcua = {
    security: 'SignAndEncrypt',
    policy: 'Basic256Sha256',
    serverFingerprint: null,
    user: null,
    password: null,
    userCertificate: null,
    userKey: null,
    machine: null,
  } as const;
  assert.equal(judgeTrust({ id: 'ls', opcua: null }, 0, 0), null);
  assert.equal(judgeTrust({ id: 'ck', opcua: { ...opcua, security: 'None' } }, 0, 0), null);
  assert.equal(judgeTrust({ id: 'ck', opcua: { ...opcua, serverFingerprint: 'ab'.repeat(32) } }, 0, 0)?.ok, true);
  assert.equal(judgeTrust({ id: 'ck', opcua }, 1, 0)?.ok, true);
  const check = judgeTrust({ id: 'ck', opcua }, 0, 2);
  assert.equal(check?.id, 'trust:ck');
  assert.match(check.detail, /2 certificates met and refused/);
  assert.match(check.cure ?? '', /selvedge trust add/);
});

test('no uplink is well; one that refuses tells how to start the bridge', () => {
  assert.equal(judgeUplink(null, () => null).ok, true);
  const uplink = { brokers: ['mqtt://127.0.0.1:1883'] };
  assert.equal(judgeUplink(uplink, () => ({ ok: true, ms: 1 })).detail, '127.0.0.1:1883 takes connections (1 ms)');
  assert.match(
    judgeUplink(uplink, () => ({ ok: false, why: 'refused', code: 'ECONNREFUSED' })).cure ?? '',
    /bridge run/,
  );
});

test('only packages that the machines need are loaded', () => {
  assert.deepEqual(packagesOf(null), ['better-sqlite3']);
  assert.deepEqual(packagesOf(configOf(good)), ['better-sqlite3', 'node-opcua-client']);
  const serial = good.replace('tcp://127.0.0.1:4001', 'serial:///dev/ttyUSB0').replace(/ {2}- id: ck-1[^]*$/, '');
  assert.deepEqual(packagesOf(configOf(serial)), ['better-sqlite3', 'serialport']);
});
