import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { certificateFiles, derOf, fingerprintOf, readKept } from '../../agent/certificates/files.ts';
import { dayMs, whyUnfit } from '../../agent/certificates/plan.ts';
import { initCertificates } from '../../agent/certificates/update.ts';
import { createUserStore } from '../../agent/page/users.ts';
import { repository } from '../check/files.ts';
import { subjectIn } from '../unit/certificates/making.ts';
import { random, realClock } from '../unit/page/floor.ts';
import { call, cheapPasswords, goodPassword } from '../unit/page/harness.ts';
import { assertOneLine, isListening, isStatus, run, startAgent, temporaryDir, writeConfig } from './bad-input-rig.ts';

const open = { bind: '0.0.0.0', port: 0, names: ['gw.local', '127.0.0.1'] };

function cert(dir: string, ...args: readonly string[]) {
  const config = join(dir, 'agent.yaml');
  const { status, stdout, stderr } = spawnSync(
    join(repository, 'agent/bin/selvedge'),
    ['cert', ...args, '--config', config],
    { encoding: 'utf8', cwd: dir },
  );
  return { code: status, stdout, stderr };
}

/** `selvedge cert ARGS`, killed before its n-th step on disk; false when it came to its end before. */
function killedAt(dir: string, n: number, ...args: readonly string[]): boolean {
  const { signal, status, stderr } = spawnSync(
    join(repository, 'node_modules/.bin/node'),
    [
      '--disable-warning=ExperimentalWarning',
      '--import',
      join(repository, 'test/support/fs-steps.ts'),
      join(repository, 'agent/cli.ts'),
      'cert',
      ...args,
      '--config',
      join(dir, 'agent.yaml'),
    ],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        FS_STEPS_ROOT: join(dir, 'agent'),
        FS_STEPS_LOG: join(dir, 'steps.log'),
        FS_STEPS_KILL_AT: String(n),
      },
    },
  );
  if (signal === null) assert.equal(status, 0, stderr);
  return signal === 'SIGKILL';
}

test('init, show, export and renew, as a person runs them', (t) => {
  const dir = temporaryDir(t);
  writeConfig(dir, { page: { ...open, port: 8440 } });
  const before = cert(dir, 'show');
  assert.equal(before.code, 1);
  assert.match(before.stdout, /there is no certificate — do: .*selvedge cert init/);
  assertOneLine({ args: 'renew', ...cert(dir, 'renew') }, /AGT-523 there is no authority/);
  assertOneLine({ args: 'export', ...cert(dir, 'export') }, /AGT-523/);
  assert.deepEqual(existsSync(join(dir, 'agent/certificates')), false, 'and nothing was made');

  const json = join(dir, 'said.json');
  const made = cert(dir, 'init', '--json', json);
  assert.equal(made.code, 0, made.stderr);
  const said = JSON.parse(readFileSync(json, 'utf8')) as { url: string; authority: { sha256: string } };
  assert.equal(said.url, 'https://gw.local:8440');
  const { authority, server } = readKept(join(dir, 'agent'));
  assert.ok(typeof authority !== 'string' && typeof server !== 'string');
  assert.equal(said.authority.sha256, fingerprintOf(authority.certPem));
  assert.ok(made.stdout.replaceAll(/[\s]/g, '').includes(said.authority.sha256), 'the fingerprint in groups');
  assert.match(made.stdout, /█▀▀|█ ▄▄▄▄▄ █/, 'a QR code');
  assert.doesNotMatch(made.stdout, /PRIVATE KEY/);

  assert.equal(cert(dir, 'show').code, 0);
  assert.equal(cert(dir, 'renew').code, 0);
  assert.equal(cert(dir, 'init').code, 0);
  const after = readKept(join(dir, 'agent'));
  assert.ok(typeof after.server !== 'string' && after.server.certPem === server.certPem, 'nothing is made twice');

  const out = join(dir, 'out');
  assert.equal(cert(dir, 'export', '--out', out).code, 0);
  assert.deepEqual(readdirSync(out).sort(), ['selvedge-ca.crt', 'selvedge-ca.pem']);
  assert.deepEqual(readFileSync(join(out, 'selvedge-ca.crt')), Buffer.from(derOf(authority.certPem)));
  assert.equal(readFileSync(join(out, 'selvedge-ca.pem'), 'utf8'), authority.certPem);

  for (const wrong of [[], ['make'], ['init', 'x'], ['show', '--out', '.'], ['renew', '--new-authority']]) {
    assert.equal(cert(dir, ...wrong).code, 2, wrong.join(' '));
  }
  writeConfig(dir, {});
  assertOneLine({ args: 'init', ...cert(dir, 'init') }, /AGT-103 page\.names/);
});

test('check and doctor tell a certificate that is missing, ends soon or is for another address', async (t) => {
  const dir = temporaryDir(t);
  const config = writeConfig(dir, { page: open });
  const verb = (...args: string[]) =>
    spawnSync(join(repository, 'agent/bin/selvedge'), args, { encoding: 'utf8' }).stdout;
  const both = () => [verb('check', config), verb('doctor', '--config', config)];
  for (const text of both()) assert.match(text, /page.certificate.*there is no certificate — do: .*selvedge cert init/);
  await initCertificates(subjectIn(join(dir, 'agent')), Date.now() - 380 * dayMs, false);
  for (const text of both()) assert.match(text, /page.certificate.*ends on /);
  cert(dir, 'renew');
  assert.doesNotMatch(verb('check', config), /certificate/);
  assert.match(
    verb('doctor', '--config', config),
    /^ok {3}page-certificate {2}for gw\.local, 127\.0\.0\.1, valid until/m,
  );
  writeConfig(dir, { page: { ...open, names: ['gw.local', '127.0.0.1', '192.168.255.254'] } });
  cert(dir, 'renew');
  for (const text of both()) assert.match(text, /192\.168\.255\.254, which is no address of this computer/);
});

for (const [what, args, names] of [
  ['a first init', ['init'], null],
  ['a renewal', ['renew'], ['gw.local']],
  ['an init with a new authority', ['init', '--new-authority'], open.names],
] as const) {
  test(`F2: ${what} that is killed at any step leaves what was served before, and is completed by another`, async (t) => {
    const dir = temporaryDir(t);
    const dataDir = join(dir, 'agent');
    const good = join(dir, 'good');
    const old = subjectIn(good, ...(names ?? open.names));
    mkdirSync(good, { mode: 0o700 });
    if (names !== null) await initCertificates(old, Date.now(), false);
    writeConfig(dir, { page: open });
    let steps = 0;
    for (let n = 1, killed = true; killed; n++) {
      rmSync(dataDir, { recursive: true, force: true });
      cpSync(good, dataDir, { recursive: true });
      killed = killedAt(dir, n, ...args);
      if (killed) steps++;
      const { server } = readKept(dataDir);
      if (names !== null) {
        assert.ok(typeof server !== 'string', `nothing that could be served at step ${n}`);
        const isNew = server.names.length === 2;
        assert.equal(whyUnfit(server, isNew ? subjectIn(dataDir).names : old.names, Date.now()), null, `step ${n}`);
      }
      for (const name of existsSync(join(dataDir, 'certificates')) ? readdirSync(join(dataDir, 'certificates')) : [])
        assert.equal(statSync(join(dataDir, 'certificates', name)).mode & 0o777, 0o600, `${name} at step ${n}`);
      await initCertificates(subjectIn(dataDir), Date.now(), false);
      const after = readKept(dataDir);
      assert.ok(typeof after.server !== 'string' && after.server.ofAuthority, `after step ${n}`);
      assert.equal(whyUnfit(after.server, subjectIn(dataDir).names, Date.now()), null);
    }
    assert.ok(steps >= 4, `${steps} steps`);
  });
}

async function withAdmin(dir: string): Promise<void> {
  const dataDir = join(dir, 'agent');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const users = createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock });
  await users.add('asha', 'admin', goodPassword);
}

/** @param ca null: those of Node */
function secureGet(port: number, path: string, ca: string | null): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const trust = ca === null ? {} : { ca };
    const request = https.get({ host: '127.0.0.1', port, path, agent: false, ...trust }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
    });
    request.on('error', reject);
  });
}

const portOf = (line: Readonly<Record<string, unknown>>) => Number(new URL(String(line['page'])).port);

test('an agent off loopback serves HTTPS and nothing in plain text; without a certificate it goes on, on loopback', async (t: TestContext) => {
  const dir = temporaryDir(t);
  const config = writeConfig(dir, { page: open });
  await withAdmin(dir);

  const waiting = await startAgent(t, config);
  const told = await waiting.until('the error', (line) => line['code'] === 'AGT-520');
  assert.match(String(told['cure']), /selvedge cert init/);
  const line = await waiting.until('its listening line', isListening);
  assert.match(String(line['page']), /^http:\/\/127\.0\.0\.1:/);
  assert.equal((await call(portOf(line), '/api/session')).status, 401);
  const { pageCertificate } = await waiting.until('a status line', isStatus);
  assert.deepEqual((pageCertificate as { state: string; code: string }).code, 'AGT-520');
  assert.equal(await waiting.stop(), 0);

  assert.equal((await run(t, ['cert', 'init', '--config', config])).code, 0);
  const { authority } = readKept(join(dir, 'agent'));
  assert.ok(typeof authority !== 'string');
  const agent = await startAgent(t, config);
  const listening = await agent.until('its listening line', isListening);
  assert.match(String(listening['page']), /^https:/);
  const port = portOf(listening);
  assert.equal((await secureGet(port, '/api/machines', authority.certPem)).status, 401);
  assert.deepEqual((await secureGet(port, '/ca.crt', authority.certPem)).body, Buffer.from(derOf(authority.certPem)));
  await assert.rejects(secureGet(port, '/api/session', null), 'not without the authority');
  await assert.rejects(call(port, '/api/session'), 'plain HTTP gets no answer');
  assert.equal(await agent.stop(), 0);

  // For other names it is not served, and the rest of the agent goes on.
  writeConfig(dir, { page: { ...open, names: ['other.local'] } });
  const other = await startAgent(t, config);
  await other.until('the error', (each) => each['code'] === 'AGT-521');
  assert.match(String((await other.until('listening', isListening))['page']), /^http:\/\/127\.0\.0\.1:/);
  assert.equal(await other.stop(), 0);
  writeFileSync(certificateFiles(join(dir, 'agent')).authority, 'damaged');
  assertOneLine({ args: 'renew', ...cert(dir, 'renew') }, /AGT-523/);
});
