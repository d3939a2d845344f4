/** `selvedge doctor` as its user starts it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Report } from '../../agent/doctor/report.ts';
import { openStore } from '../../agent/store/open.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { repository } from '../check/files.ts';

const run = promisify(execFile);
const secret = 'tr0ub4dor-and-3';

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** null when no report was written. */
  readonly report: Report | null;
}

async function doctor(dir: string, ...args: readonly string[]): Promise<Told> {
  const json = join(dir, 'report.json');
  rmSync(json, { force: true });
  const launcher = [join(repository, 'agent/bin/selvedge'), 'doctor', ...args, '--json', json];
  const env = { ...process.env, SELVEDGE_TEST_SECRET: secret };
  const told = await run('sh', launcher, { cwd: tmpdir(), env }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    },
  );
  const text = existsSync(json) ? readFileSync(json, 'utf8') : null;
  for (const said of [told.out, told.err, text ?? '']) assert.ok(!said.includes(secret), 'a secret was shown');
  return { ...told, report: text === null ? null : (JSON.parse(text) as Report) };
}

const failed = ({ report }: Told) => (report?.checks ?? []).filter(({ ok }) => !ok).map(({ id }) => id);
const detailOf = ({ report }: Told, id: string) => report?.checks.find((check) => check.id === id)?.detail ?? '';

function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-doctor-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

/** A peer that takes connections and counts what it is sent. */
async function listening(t: TestContext) {
  const seen = { connections: 0, bytes: 0 };
  const server = createServer((socket) => {
    seen.connections += 1;
    socket.on('data', (data) => (seen.bytes += data.length)).on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const close = async () => {
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, seen, close };
}

interface Site {
  readonly dataDir: string;
  readonly machinePort: number;
  readonly brokerPort: number;
  readonly pagePort?: number;
  readonly password?: string;
}

/** Writes a configuration with a machine of every kind, and the files it names. */
function configure(dir: string, { dataDir, machinePort, brokerPort, pagePort = 0, password }: Site): string {
  const file = join(dir, 'agent.yaml');
  const { publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(dir, 'bridge.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(dir, 'uplink.password'), `${secret}\n`);
  writeFileSync(
    file,
    `version: 1
site: { id: demo, timeZone: Asia/Dhaka }
gateway: { id: demo-gw }
dataDir: ${dataDir}
storage: { budgetMiB: 64 }
page: { port: ${pagePort} }
machines:
  - { id: ls-1, profile: sewing-modbus-ref, endpoint: "modbus+rtu://127.0.0.1:${machinePort}", unit: 1 }
  - { id: ls-2, profile: sewing-modbus-ref, endpoint: "modbus+rtu://127.0.0.1:${machinePort}", unit: 2 }
  - { id: rt-1, profile: sewing-retrofit-csv, endpoint: "serial:///dev/null" }
  - id: ck-1
    profile: knit-circular-opcua
    endpoint: opc.tcp://localhost:${brokerPort}
    opcua: { serverFingerprint: ${'ab'.repeat(32)}, user: selvedge, password: "env:SELVEDGE_TEST_SECRET" }
uplink:
  url: mqtt://127.0.0.1:${brokerPort}
  password: ${password ?? 'file:uplink.password'}
  bridgeKey: bridge.pub.pem
`,
  );
  return file;
}

/** Every file below a folder with its size and time of change. */
const stateOf = (dir: string) =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => [name, statSync(join(dir, name)).size, statSync(join(dir, name)).mtimeMs]);

test('all is well: exit code 0, a line for each check, nothing sent and nothing changed', async (t) => {
  const dir = temporaryDir(t);
  const out = temporaryDir(t);
  const dataDir = join(dir, 'data');
  gatewayKeys(dataDir);
  const [machine, broker] = [await listening(t), await listening(t)];
  const config = configure(dir, { dataDir, machinePort: machine.port, brokerPort: broker.port });
  const before = stateOf(dir);
  const told = await doctor(out, '--config', config);
  assert.equal(told.code, 0, told.out + told.err);
  assert.equal(told.err, '');
  assert.deepEqual(
    told.report?.checks.map(({ id }) => id).join(' '),
    'node packages clock config data-folder disk lock page-port gateway-key bridge-key secrets ' +
      'machine:ls-1 machine:ls-2 machine:rt-1 machine:ck-1 trust:ck-1 uplink',
  );
  assert.ok(told.report !== null);
  assert.deepEqual(Object.keys(told.report), ['ok', 'checks']);
  assert.equal(told.report.ok, true);
  for (const check of told.report.checks) {
    assert.deepEqual(Object.keys(check), ['id', 'ok', 'detail', 'cure']);
    assert.deepEqual([check.ok, check.cure], [true, null]);
  }
  const lines = told.report.checks.map(({ id, detail }) => `ok   ${id}  ${detail}\n`);
  assert.equal(told.out, lines.join(''));
  assert.match(detailOf(told, 'packages'), /better-sqlite3, serialport, node-opcua-client/);
  assert.match(detailOf(told, 'secrets'), /all 2 references resolve/);
  // The two machines behind one device server are one connection.
  assert.deepEqual(machine.seen, { connections: 1, bytes: 0 });
  assert.equal(broker.seen.bytes, 0);
  assert.deepEqual(stateOf(dir), before);
});

test('what is missing is a failure with its cure, and exit code 1', async (t) => {
  const dir = temporaryDir(t);
  const out = temporaryDir(t);
  const [machine, broker] = [await listening(t), await listening(t)];
  await machine.close();
  writeFileSync(join(dir, 'file'), '');
  const site = { machinePort: machine.port, brokerPort: broker.port, pagePort: broker.port };
  const config = configure(dir, { ...site, dataDir: join(dir, 'file/data'), password: 'file:absent.password' });
  writeFileSync(join(dir, 'bridge.pub.pem'), secret);
  const before = stateOf(dir);
  const told = await doctor(out, '--config', config);
  assert.equal(told.code, 1, told.err);
  const expected = 'data-folder page-port gateway-key bridge-key secrets machine:ls-1 machine:ls-2';
  assert.equal(failed(told).join(' '), expected);
  assert.ok(told.report !== null);
  assert.equal(told.report.ok, false);
  for (const check of told.report.checks) assert.equal(check.cure === null, check.ok, check.id);
  assert.match(detailOf(told, 'data-folder'), /file\/data cannot be made: .*\/file is no folder/);
  assert.match(detailOf(told, 'machine:ls-1'), /refuses connections \(ECONNREFUSED\)/);
  assert.match(detailOf(told, 'secrets'), /^file:.*absent\.password does not exist$/);
  assert.match(told.out, /^FAIL page-port {2}another program listens on 127\.0\.0\.1:\d+ — do: Stop that program/m);
  assert.deepEqual(stateOf(dir), before);
  // A place where root may write, but where no file can be made.
  configure(dir, { ...site, dataDir: '/proc/selvedge' });
  assert.match(detailOf(await doctor(out, '--config', config), 'data-folder'), /\/proc belongs to the kernel/);
});

test('a running agent is told and not blamed for its lock and its port; an open key is blamed', async (t) => {
  const dir = temporaryDir(t);
  const out = temporaryDir(t);
  const dataDir = join(dir, 'data');
  const store = await openStore({ dataDir, clock: { wallMs: () => Date.now() } });
  t.after(() => store.close());
  gatewayKeys(dataDir);
  const [machine, broker] = [await listening(t), await listening(t)];
  const page = await listening(t);
  const config = configure(dir, { dataDir, machinePort: machine.port, brokerPort: broker.port, pagePort: page.port });
  const told = await doctor(out, '--config', config);
  assert.equal(told.code, 0, told.out + told.err);
  assert.match(detailOf(told, 'lock'), /an agent is running/);
  assert.match(detailOf(told, 'page-port'), /as it should be while the agent runs/);
  chmodSync(join(dataDir, 'keys/gateway.key'), 0o644);
  const open = await doctor(out, '--config', config);
  assert.equal(open.code, 1);
  assert.deepEqual(failed(open), ['gateway-key']);
});

test('a configuration with mistakes, or none that can be read, is exit code 2 with the computer looked at', async (t) => {
  const dir = temporaryDir(t);
  const config = join(dir, 'agent.yaml');
  writeFileSync(config, `version: 1\nsite: {id: X}\nuplink: { password: ${secret} }\n`);
  const told = await doctor(dir, '--config', config);
  assert.equal(told.code, 2);
  assert.deepEqual(
    told.report?.checks.map(({ id, ok }) => `${ok ? 'ok' : 'FAIL'} ${id}`),
    ['ok node', 'ok packages', 'ok clock', 'FAIL config'],
  );
  assert.match(told.out, /^FAIL config {2}.*agent\.yaml has \d+ mistakes — do: `selvedge check .*agent\.yaml`/m);
  const absent = await doctor(dir, '--config', join(dir, 'absent.yaml'));
  assert.equal(absent.code, 2);
  assert.match(absent.out, /^FAIL config {2}.*absent\.yaml does not exist — do: /m);
});

test('without a configuration the computer alone is looked at; wrong usage is one line', async (t) => {
  const dir = temporaryDir(t);
  const told = await doctor(dir);
  assert.equal(told.code, 0, told.out);
  assert.match(told.out, /^ok {3}node {2}.*\nok {3}packages {2}.*\nok {3}clock {2}.*\n$/);
  for (const args of [['--endpoints', 'x'], ['x'], ['--nothing']]) {
    const { code, out, err, report } = await doctor(dir, ...args);
    assert.deepEqual([code, out, report], [2, '', null], args.join(' '));
    assert.match(err, /^AGT-103 [^\n]+ — do: [^\n]+\n$/);
  }
});
