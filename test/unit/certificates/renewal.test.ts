/** The renewal of the page's certificate beside an agent that polls. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { certificateFiles, readKept } from '../../../agent/certificates/files.ts';
import { CertificateKeeper } from '../../../agent/certificates/keeper.ts';
import { dayMs } from '../../../agent/certificates/plan.ts';
import { renewOnThread } from '../../../agent/certificates/renewal.ts';
import { repository } from '../../check/files.ts';
import { subjectIn, temporaryDir } from './making.ts';

/** Authority and certificate of so many days ago, made by another process: this one must not load what makes them. */
function madeAgo(t: TestContext, days: number): string {
  const dataDir = temporaryDir(t);
  const update = pathToFileURL(join(repository, 'agent/certificates/update.ts')).href;
  const code = `const { initCertificates } = await import(${JSON.stringify(update)});
    await initCertificates(${JSON.stringify(subjectIn(dataDir))}, ${Date.now() - days * dayMs}, false);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return dataDir;
}
/** The package that makes certificates needs this at the global `Reflect`, and puts it there when it is loaded. */
const hasLoadedIt = () => 'getMetadata' in Reflect;

test('a certificate that ends soon is renewed and served, and the thread that polls loads and makes nothing (T1)', async (t) => {
  const dataDir = madeAgo(t, 380);
  const before = readKept(dataDir).server;
  const served = Promise.withResolvers<string>();
  const keeper = new CertificateKeeper({
    ...subjectIn(dataDir),
    nowMs: () => Date.now(),
    log: () => undefined,
    onCertificate: ({ certPem }) => served.resolve(certPem),
  });
  t.after(() => keeper.stop());
  // Another process' load of the processor must not be taken for ours: what this thread itself computes in one turn.
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let [isOver, lastMs, longestMs] = [false, cpuMs(), 0];
  const turn = () => {
    const nowMs = cpuMs();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!isOver) setImmediate(turn);
  };
  const turning = new Promise((resolve) => setImmediate(resolve)).then(turn);
  await keeper.start();
  isOver = true;
  await turning;
  const certPem = await served.promise;
  assert.ok(typeof before !== 'string' && certPem !== before.certPem);
  assert.equal(hasLoadedIt(), false);
  t.diagnostic(`${longestMs.toFixed(1)} ms of this thread in one turn`);
  assert.ok(longestMs < 50, `${longestMs} ms: loading alone took more than 100`);
});

test('it fails as it does without a thread (T2): without an authority, or with a damaged one', async (t) => {
  const dataDir = madeAgo(t, 380);
  const { authority } = certificateFiles(dataDir);
  rmSync(authority);
  await assert.rejects(renewOnThread(subjectIn(dataDir), Date.now()), /AGT-523 there is no authority/);
  writeFileSync(authority, 'nonsense');
  await assert.rejects(renewOnThread(subjectIn(dataDir), Date.now()), /AGT-523 .*damaged/);
  const other = madeAgo(t, 380);
  assert.equal(await renewOnThread(subjectIn(other), Date.now()), 'ends-soon');
  assert.equal(await renewOnThread(subjectIn(other), Date.now()), null, 'and then nothing is to be done');
});

test('a thread that cannot start, dies or talks nonsense is a failure of the renewal (T2)', async (t) => {
  const dataDir = temporaryDir(t);
  const script = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const told = (code: string) => renewOnThread(subjectIn(dataDir), 0, script(code));
  const begunMs = performance.now();
  await assert.rejects(told('process.exit(3)'), /AGT-522 .*ended/);
  assert.ok(performance.now() - begunMs < 30_000, 'a thread that is gone is not waited for');
  await assert.rejects(told('throw new RangeError("out of something")'), /out of something/);
  const post = (value: string) => `import { parentPort } from 'node:worker_threads'; parentPort.postMessage(${value});`;
  await assert.rejects(told(post('{ why: "for fun" }')), /AGT-522/);
  await assert.rejects(told(post('{ code: null, detail: "odd" }')), /AGT-522 odd/);
  assert.equal(await told(post('{ why: "expired" }')), 'expired');
  await assert.rejects(renewOnThread(subjectIn(dataDir), 0, new URL('http://127.0.0.1/none')), TypeError);
});
