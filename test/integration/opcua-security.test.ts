import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DriverError } from '../../drivers/errors.ts';
import { createOpcuaDriver, type OpcuaDriverOptions } from '../../drivers/opcua/driver.ts';
import { loadOpcuaLibrary } from '../../drivers/opcua/library.ts';
import { ownCertificate } from '../../drivers/opcua/own-certificate.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { EventLog, realPorts } from '../contract/driver.ts';
import { requireProgram } from '../support/peers.ts';
import { freePort, requireAsyncua, startOddPeer, type OddMachine } from './opcua-peer.ts';
import { runVerb } from './verb.ts';

const folder = await mkdtemp(join(tmpdir(), 'selvedge-opcua-secure-'));
const pkiDir = join(folder, 'own');
after(() => rm(folder, { recursive: true }));
const machine = 'm-1';

/** A certificate for a user, as a works' own authority would hand it out. */
async function userPair(name: string): Promise<{ certificatePem: string; keyPem: string; file: string }> {
  const [key, file] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', `/CN=${name}`];
  const made = spawnSync('openssl', [...args, '-keyout', key, '-out', file]);
  assert.equal(made.status, 0);
  const [certificatePem, keyPem] = [await readFile(file, 'utf8'), await readFile(key, 'utf8')];
  return { certificatePem, keyPem, file };
}

async function outcome(built: Omit<OddMachine, 'port' | 'folder'>, more: Partial<OpcuaDriverOptions>): Promise<string> {
  await ownCertificate(await loadOpcuaLibrary(), pkiDir);
  const port = await freePort();
  const peer = await startOddPeer({ port, folder, ...built });
  const log = new EventLog();
  const driver = createOpcuaDriver(
    {
      endpoint: peer.endpoint,
      machines: [{ machine, profile: loadProfile('opcua-machinery', []) }],
      security: { mode: 'SignAndEncrypt', policy: 'Basic256Sha256' },
      serverFingerprint: peer.fingerprint ?? undefined,
      trustDir: join(folder, 'trust'),
      pkiDir,
      backoff: { minMs: 50, maxMs: 200 },
      heartbeatMs: 200,
      timeoutMs: 30_000,
      ...more,
    },
    realPorts(log),
  );
  try {
    await driver.start(new AbortController().signal);
    await log.until('an outcome', 60_000, () => log.goods(machine) > 0 || log.gaps(machine).length > 0);
    return log.goods(machine) > 0 ? 'read' : (log.gaps(machine)[0]?.reason ?? '');
  } finally {
    await driver.stop();
    await peer.stop();
  }
}

for (const [policy, built] of [
  ['Basic256Sha256', 'Basic256Sha256_SignAndEncrypt'],
  ['Aes256_Sha256_RsaPss', 'Aes256Sha256RsaPss_SignAndEncrypt'],
] as const) {
  test(`a server of ${policy} is read, and not with another policy`, async (t) => {
    if (!requireAsyncua(t)) return;
    assert.equal(await outcome({ policy: built }, { security: { mode: 'SignAndEncrypt', policy } }), 'read');
    const other = policy === 'Basic256Sha256' ? 'Aes256_Sha256_RsaPss' : 'Basic256Sha256';
    const refused = await outcome({ policy: built }, { security: { mode: 'SignAndEncrypt', policy: other } });
    assert.equal(refused, 'security-not-offered');
  });

  test(`the agent is known by a certificate of its own as a user, and by no other: ${policy}`, async (t) => {
    if (!requireAsyncua(t) || !requireProgram(t, 'openssl')) return;
    const known = await userPair('known');
    const stranger = await userPair('stranger');
    const machineOf = { policy: built, users: { certificate: known.file } };
    const security = { mode: 'SignAndEncrypt', policy } as const;
    assert.equal(await outcome(machineOf, { security, user: known }), 'read');
    assert.equal(await outcome(machineOf, { security, user: stranger }), 'access-denied');
  });
}

test('a user certificate is refused at the start when its key is another one, or nothing protects it', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const [one, two] = [await userPair('one'), await userPair('two')];
  const options: OpcuaDriverOptions = {
    endpoint: 'opc.tcp://127.0.0.1:4840',
    machines: [{ machine, profile: loadProfile('opcua-machinery', []) }],
    security: { mode: 'SignAndEncrypt', policy: 'Basic256Sha256' },
    trustDir: folder,
    pkiDir,
  };
  for (const [code, more] of [
    ['DRV-209', { user: { certificatePem: one.certificatePem, keyPem: two.keyPem } }],
    ['DRV-209', { user: { certificatePem: 'none', keyPem: two.keyPem } }],
    ['DRV-206', { user: one, security: { mode: 'None', iKnowThisIsNotSecure: true } }],
  ] as const) {
    assert.throws(
      () => createOpcuaDriver({ ...options, ...more }, realPorts(new EventLog())),
      (error) => error instanceof DriverError && error.entry.code === code,
    );
  }
});

test('a server that was refused is listed by `selvedge trust`, trusted by its fingerprint, and forgotten again', async (t) => {
  if (!requireAsyncua(t)) return;
  const trustDir = join(folder, 'trust-by-hand');
  const verb = (...args: string[]) => runVerb(t, 'trust', ...args, '--trust-dir', trustDir);
  const built = { policy: 'Basic256Sha256_SignAndEncrypt' } as const;
  const stranger = { trustDir, serverFingerprint: undefined };
  assert.equal(await outcome(built, stranger), 'server-certificate-not-trusted');
  const listed = await verb('list');
  const fingerprint = /refused +([0-9a-f]{64})/.exec(listed.out)?.[1] ?? '';
  assert.equal(fingerprint.length, 64, listed.out);
  assert.match((await verb('add', fingerprint)).out, new RegExp(`trusted +${fingerprint}`));
  assert.equal(await outcome(built, stranger), 'read');
  assert.match((await verb('remove', fingerprint.slice(0, 12))).out, /removed/);
  assert.equal(await outcome(built, stranger), 'server-certificate-not-trusted');
});

test('a configuration is not encrypted only where it says so, and then takes neither password nor certificate', async (t) => {
  const file = join(folder, 'agent.yaml');
  const check = async (opcua: string) => {
    const text = `version: 1\nsite: { id: s, timeZone: UTC }\ngateway: { id: g }\nmachines:\n  - { id: m, endpoint: "opc.tcp://127.0.0.1:4840"${opcua} }\n`;
    await writeFile(file, text);
    const { code, err } = await runVerb(t, 'check', file);
    return code === 0 ? 'fine' : err;
  };
  assert.equal(await check(''), 'fine', 'no profile is needed');
  assert.equal(await check(', opcua: { security: None }'), 'fine');
  assert.match(await check(', opcua: { security: none }'), /SignAndEncrypt/);
  assert.match(await check(', opcua: { security: None, userCertificate: a.pem, userKey: "file:a.key" }'), /in clear/);
  assert.match(await check(', opcua: { userCertificate: a.pem }'), /has no userKey/);
  assert.match(
    await check(', opcua: { user: u, password: "env:P", userCertificate: a.pem, userKey: "file:a.key" }'),
    /beside a user/,
  );
});
