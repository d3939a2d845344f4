/**
 * Bad input that ends a command: one clear line with the cure, the documented exit code, no stack trace, nothing stored lost.
 * What an agent goes on with is in `bad-input-running.test.ts`.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { listener } from '../support/ports.ts';
import {
  assertKept,
  assertNoStack,
  assertOneLine,
  events,
  fillStore,
  isListening,
  isStatus,
  run,
  start,
  startAgent,
  temporaryDir,
  writeConfig,
} from './bad-input-rig.ts';

const machine = { id: 'ls-1', profile: 'sewing-modbus-ref', endpoint: 'modbus://127.0.0.1:1' };
const uplink = { url: 'mqtt://127.0.0.1:1', password: 'file:uplink.password', bridgeKey: 'bridge.pub.pem' };
const head = 'version: 1\nsite: {id: s-1, timeZone: Asia/Dhaka}\ngateway: {id: gw-1}\ndataDir: agent\n';

describe('bad input that ends a command', { concurrency: 2 }, () => {
  test('a file that is not there is named, by every command that reads it', async (t) => {
    const dir = temporaryDir(t);
    const none = join(dir, 'none.yaml');
    const missing = new RegExp(`AGT-100 ${none} does not exist — do: `);
    for (const args of [
      ['run', '--config', none],
      ['check', none],
      ['key', '--config', none],
      ['trust', 'list', '--config', none],
      ['run', '--config', writeConfig(dir), '--endpoints', none],
      ['check', writeConfig(dir), '--endpoints', none],
    ]) {
      assertOneLine(await run(t, args), missing);
    }
    assert.ok(!existsSync(join(dir, 'agent')));
  });

  test('a file that is not YAML: every place of it, with line and column', async (t) => {
    const file = join(temporaryDir(t), 'agent.yaml');
    writeFileSync(file, 'version: 1\nsite: [one, two\n\tgateway: "x\n');
    for (const args of [
      ['check', file],
      ['run', '--config', file],
    ]) {
      const { code, stderr } = await run(t, args);
      assert.equal(code, 2);
      assertNoStack(stderr);
      const places = stderr.split('\n').filter((line) => line.startsWith(`${file}:`));
      assert.ok(places.length > 0, stderr);
      for (const place of places) assert.match(place, /agent\.yaml:\d+:\d+: [^;]+; right: ./);
      assert.equal(stderr.trim().split('\n').length, places.length + 1, stderr);
    }
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0, 1, 2, 3, 0x3a, 0x80]));
    assertNoStack((await run(t, ['run', '--config', file])).stderr);
  });

  test('three mistakes are three lines, each with its place and what would be right', async (t) => {
    const file = join(temporaryDir(t), 'agent.yaml');
    writeFileSync(
      file,
      `${head.replace('Dhaka', 'Daka')}machines:\n  - {id: ls-1, profile: sewing-modbus-ref, endpoint: "modbos://h"}\npage: {prot: 0}\n`,
    );
    const mistakes = [
      /:2:\d+: site\.timeZone .*; right: ./,
      /:6:\d+: .*modbos.*; right: ./,
      /:7:8: page\.prot .*; right: ./,
    ];
    for (const args of [
      ['check', file],
      ['run', '--config', file],
      ['key', '--config', file],
    ]) {
      const { code, stderr } = await run(t, args);
      assert.equal(code, 2);
      const places = stderr.split('\n').filter((line) => line.startsWith(`${file}:`));
      assert.equal(places.length, 3, stderr);
      for (const [index, pattern] of mistakes.entries()) assert.match(places[index] ?? '', pattern);
      if (args[0] === 'check') assert.match(stderr, /cannot be used: 3 mistakes\n$/);
      else assert.match(stderr, /^AGT-101 [^\n]* — do: [^\n]+\n/);
    }
  });

  test('a profile that is unknown, and one with mistakes', async (t) => {
    const dir = temporaryDir(t);
    const unknown = writeConfig(dir, { machines: [{ ...machine, profile: 'sewing-modbus-rfe' }] });
    assertOneLine(
      await run(t, ['run', '--config', unknown]),
      /AGT-101 .*agent\.yaml:\d+:\d+: .*did you mean sewing-modbus-ref\?/,
    );
    const own = join(dir, 'own.yaml');
    const shipped = readFileSync(join(import.meta.dirname, '../../drivers/profiles/sewing-modbus-ref.yaml'), 'utf8');
    writeFileSync(own, shipped.replace('protocol: modbus', 'protocol: modbuss'));
    const wrong = writeConfig(dir, { machines: [{ ...machine, profile: own }] });
    assertOneLine(
      await run(t, ['run', '--config', wrong]),
      /AGT-101 .*own\.yaml:7:\d+: protocol .*modbuss.*; right: ./,
    );
    const checked = await run(t, ['check', wrong]);
    assert.deepEqual([checked.code, checked.stderr.trim().split('\n').length], [2, 2], checked.stderr);
    assert.match(checked.stderr, /own\.yaml:7:\d+: protocol .*modbuss/);
  });

  test('a start that fails late loses nothing that was stored', async (t) => {
    const dir = temporaryDir(t);
    await fillStore(dir, 20, 2);
    const before = events(dir);
    const busy = await listener(t);
    assertOneLine(
      await run(t, ['run', '--config', writeConfig(dir, { page: { port: busy } })]),
      new RegExp(`AGT-500 127\\.0\\.0\\.1:${busy} is in use — do: `),
    );
    writeFileSync(join(dir, 'bridge.pub.pem'), 'no key\n');
    assertOneLine(
      await run(t, ['run', '--config', writeConfig(dir, { uplink })]),
      /AGT-102 file:.*uplink\.password .*ENOENT/,
    );
    const fromNowhere = { uplink: { ...uplink, password: 'env:SELVEDGE_NO_SUCH_PASSWORD' } };
    assertOneLine(
      await run(t, ['run', '--config', writeConfig(dir, fromNowhere)]),
      /AGT-102 env:SELVEDGE_NO_SUCH_PASSWORD/,
    );
    writeFileSync(join(dir, 'uplink.password'), 'secret\n');
    const keyless = await run(t, ['run', '--config', writeConfig(dir, { uplink })]);
    assertOneLine(keyless, /AGT-300 .*bridge\.pub\.pem/);
    assert.doesNotMatch(keyless.stderr, /secret/);
    const noBridgeKey = { uplink: { ...uplink, bridgeKey: 'none.pem' } };
    assertOneLine(
      await run(t, ['run', '--config', writeConfig(dir, noBridgeKey)]),
      /AGT-101 .*none\.pem, which does not exist/,
    );
    const opcua = { user: 'selvedge', password: 'file:ck-1.password' };
    const ck1 = { id: 'ck-1', profile: 'knit-circular-opcua', endpoint: 'opc.tcp://127.0.0.1:1', opcua };
    assertOneLine(
      await run(t, ['run', '--config', writeConfig(dir, { machines: [ck1] })]),
      /AGT-102 file:.*ck-1\.password/,
    );
    assertKept(before, events(dir));
    const agent = await startAgent(t, writeConfig(dir));
    assert.equal(await agent.stop(), 0);
    assertNoStack(agent.stderr());
    assertKept(before, events(dir));
  });

  test('a second agent on a data folder is refused; the first goes on', async (t) => {
    const dir = temporaryDir(t);
    const config = writeConfig(dir);
    const first = await startAgent(t, config);
    assertOneLine(await run(t, ['run', '--config', config]), /AGT-201 data folder .*agent is in use/);
    const seen = first.lines.length;
    await first.until('another status line', (line) => isStatus(line) && first.lines.indexOf(line) >= seen);
    assert.equal(await first.stop(), 0);
  });

  test('a data folder that cannot be made or written is said at once, by every command that wants one', async (t) => {
    const dir = temporaryDir(t);
    const file = join(dir, 'file');
    writeFileSync(file, 'kept');
    for (const dataDir of [join(file, 'agent'), '/proc/selvedge/agent', '/proc/sys/kernel']) {
      assertOneLine(await run(t, ['run', '--config', writeConfig(dir, { dataDir })]), /AGT-200 /);
      assertOneLine(await run(t, ['key', '--data-dir', dataDir]), /AGT-300 /);
      const adding = ['user', 'add', 'bob', '--role', 'admin', '--data-dir', dataDir];
      assertOneLine(await run(t, adding, 'a sentence as a password\n'), /AGT-506 /);
      assertOneLine(await run(t, ['bridge', 'init', '--data-dir', dataDir]), /BRG-103 /);
    }
    const certificate = join(import.meta.dirname, '../fixtures/wire/opcua-server.pem');
    for (const folder of [join(file, 'trust'), '/proc/selvedge/trust']) {
      assertOneLine(await run(t, ['trust', 'add', certificate, '--trust-dir', folder]), /DRV-207 /);
    }
    assertOneLine(
      await run(t, ['outbox', 'list', '--data-dir', join(dir, 'none')]),
      /AGT-100 .*no agent has run there/,
    );
    assert.equal(readFileSync(file, 'utf8'), 'kept');
  });

  test('users, keys and certificates: what is refused changes no file', async (t) => {
    const dir = temporaryDir(t);
    mkdirSync(join(dir, 'keys'));
    writeFileSync(join(dir, 'users.json'), '{"version":1,');
    writeFileSync(join(dir, 'keys/gateway.key'), 'torn');
    const at = ['--data-dir', dir];
    assertOneLine(await run(t, ['user', 'list', ...at]), /AGT-504 .*users\.json is not JSON/);
    assertOneLine(await run(t, ['user', 'add', 'bob', '--role', 'boss', ...at]), /AGT-103 --role must be one of/);
    assertOneLine(await run(t, ['user', 'add', 'bob', '--role', 'admin']), /AGT-103 --data-dir/);
    assertOneLine(await run(t, ['key', ...at]), /AGT-300 .*gateway\.key/);
    assertOneLine(await run(t, ['key', ...at, '--owt', 'x']), /AGT-103 Unknown option '--owt'/);
    assert.equal(readFileSync(join(dir, 'users.json'), 'utf8'), '{"version":1,');
    assert.equal(readFileSync(join(dir, 'keys/gateway.key'), 'utf8'), 'torn');
    const other = ['--data-dir', join(dir, 'other')];
    assertOneLine(await run(t, ['key', ...other, '--out', join(dir, 'no/where.pem')]), /AGT-104 .*no\/where\.pem/);
    const weak = await run(t, ['user', 'add', 'bob', '--role', 'admin', ...other], 'short\n');
    assert.deepEqual([weak.code, weak.stderr.split('\n').length], [1, 2], weak.stderr);
    const trust = ['--trust-dir', join(dir, 'trust')];
    assertOneLine(
      await run(t, ['trust', 'add', join(dir, 'none.der'), ...trust]),
      /DRV-203 .*none\.der is no certificate/,
    );
    assertOneLine(await run(t, ['trust', 'remove', 'abcdef0123', ...trust]), /DRV-204 .*abcdef0123/);
  });

  test('the bridge: not initialised, ports in use, a second one, a gateway that is somebody else', async (t) => {
    const dir = temporaryDir(t);
    const at = ['--data-dir', join(dir, 'bridge')];
    const anyPorts = ['--mqtt-port', '0', '--api-port', '0'];
    assertOneLine(await run(t, ['bridge', 'run', ...at, ...anyPorts]), /BRG-102 .* — do: Run: selvedge bridge init/);
    assert.equal((await run(t, ['bridge', 'init', ...at])).code, 0);
    const busy = String(await listener(t));
    assertOneLine(
      await run(t, ['bridge', 'run', ...at, '--mqtt-port', busy, '--api-port', '0']),
      /BRG-104 .*--mqtt-port/,
    );
    assertOneLine(
      await run(t, ['bridge', 'run', ...at, '--mqtt-port', '0', '--api-port', busy]),
      /BRG-104 .*--api-port/,
    );
    // What holds nothing must not keep the bridge from starting, whatever is in it.
    writeFileSync(join(dir, 'bridge/bridge.lock'), 'no database '.repeat(1_000));
    const first = start(t, ['bridge', 'run', ...at, ...anyPorts]);
    await first.until('its listening line', isListening);
    assertOneLine(await run(t, ['bridge', 'run', ...at, ...anyPorts]), /BRG-111 /);
    const allow = async (who: string, key: string): Promise<Parameters<typeof assertOneLine>[0]> => {
      const named = ['--gateway', who, '--site', 'site-1', '--public-key', key];
      return run(t, ['bridge', 'allow', ...at, ...named, '--password-file', join(dir, 'password')]);
    };
    const keys = ['a', 'b'].map((name) => join(dir, `${name}.pem`));
    for (const key of keys) assert.equal((await run(t, ['key', '--data-dir', `${key}.d`, '--out', key])).code, 0);
    const [own = '', other = ''] = keys;
    assertOneLine(await allow('gw-1', join(dir, 'none.pem')), /BRG-100 .*none\.pem/);
    assertOneLine(await allow('GW', own), /BRG-107 "GW"/);
    assert.equal((await allow('gw-1', own)).code, 0);
    const files = ['bridge/gateways/gw-1.json', 'password'].map((name) => join(dir, name));
    const before = files.map((name) => readFileSync(name, 'utf8'));
    assertOneLine(await allow('gw-1', other), /BRG-108 .*--replace/);
    assert.deepEqual(
      files.map((name) => readFileSync(name, 'utf8')),
      before,
    );
    assert.equal(await first.stop(), 0);
    assertNoStack(first.stderr());
  });

  test('the simulators: an unknown scenario, files that cannot be written, a port in use', async (t) => {
    const dir = temporaryDir(t);
    assertOneLine(await run(t, ['simulate', 'nowhere']), /SIM-100 .*nowhere/);
    assertOneLine(await run(t, ['simulate', 'demo', '--endpoints', join(dir, 'no/e.json')]), /SIM-101 .*no\/e\.json/);
    assertOneLine(await run(t, ['simulate', 'demo', '--truth', join(dir, 'no/t.jsonl')]), /SIM-101 .*no\/t\.jsonl/);
    assertOneLine(await run(t, ['simulate', 'demo', '--port-base', String(await listener(t))]), /SIM-104 /);
    assertOneLine(await run(t, ['simulate', 'demo', '--sed', '1']), /SIM-103 .*--sed/);
    assert.deepEqual(readdirSync(dir), []);
  });

  test('the demo: a folder in use, a duration that is none, an unknown option, a floor that does not start', async (t) => {
    const dir = temporaryDir(t);
    writeFileSync(join(dir, 'mine'), 'kept');
    for (const [args, pattern] of [
      [['--data-dir', dir], /is not empty\. Choose an empty folder/],
      [['--data-dir', join(dir, 'mine/below')], /cannot be used: .*Choose a folder/],
      [['--data-dir', '/proc/selvedge/demo'], /cannot be used: .*Choose a folder/],
      [['--json', join(dir, 'mine/verdict.json')], /--json .*Name a file you may write/],
      [['--seed', '-1'], /--seed.* --help/],
      [['--duration', 'abc'], /--duration wants .*such as 90s/],
      [['--fast'], /--fast.* --help/],
      [['--healthy', '--scenario', 'nowhere'], /the floor ended \(exit 2\)/],
    ] as const) {
      const { code, stderr } = await run(t, ['demo', ...args]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^demo: [^\n]+\n$/);
      assert.match(stderr, pattern);
      assertNoStack(stderr);
    }
    assert.equal(readFileSync(join(dir, 'mine'), 'utf8'), 'kept');
  });

  test('verbs and options that are none', async (t) => {
    for (const args of [['run'], ['run', '--confg', 'x'], ['check'], ['outbox', 'sell'], ['trust'], ['user', 'ad']]) {
      assertOneLine(await run(t, args), /AGT-103 /);
    }
    assertOneLine(await run(t, ['bridge', 'fly']), /BRG-101 .*'fly'/);
    const { code, stderr } = await run(t, ['rnu']);
    assert.deepEqual([code, stderr], [2, "selvedge: there is no verb 'rnu'. selvedge --help lists them.\n"]);
    assert.equal((await run(t, ['check', writeConfig(temporaryDir(t))])).code, 0);
  });
});
