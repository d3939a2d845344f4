import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { certificateFiles } from '../../../agent/certificates/files.ts';
import { CertificateKeeper, type KeeperOptions } from '../../../agent/certificates/keeper.ts';
import { dayMs } from '../../../agent/certificates/plan.ts';
import { initCertificates } from '../../../agent/certificates/update.ts';
import { subjectIn, temporaryDir } from './making.ts';

interface Kept {
  readonly keeper: CertificateKeeper;
  readonly served: string[];
  readonly errors: Record<string, unknown>[];
  /** Resolves when so many certificates were served. */
  readonly count: (wanted: number) => Promise<void>;
}

function keep(t: TestContext, options: Partial<KeeperOptions> & Pick<KeeperOptions, 'dataDir'>): Kept {
  const served: string[] = [];
  const errors: Record<string, unknown>[] = [];
  const waiting: { wanted: number; done: () => void }[] = [];
  const keeper = new CertificateKeeper({
    ...subjectIn(options.dataDir),
    nowMs: () => Date.now(),
    log: (level, _message, fields) => level === 'error' && errors.push(fields),
    onCertificate: ({ certPem }) => {
      served.push(certPem);
      for (const one of waiting) if (served.length >= one.wanted) one.done();
    },
    lookEveryMs: 20,
    lookSoonMs: 20,
    ...options,
  });
  t.after(() => keeper.stop());
  const count = (wanted: number) =>
    served.length >= wanted ? Promise.resolve() : new Promise<void>((done) => waiting.push({ wanted, done }));
  return { keeper, served, errors, count };
}

test('R3: without a certificate that is told once with its cure; one that is made meanwhile is served', async (t) => {
  const dataDir = temporaryDir(t);
  const { keeper, errors, served, count } = keep(t, { dataDir });
  await keeper.start();
  assert.equal(keeper.view().state, 'missing');
  assert.equal(keeper.view().code, 'AGT-520');
  assert.match(keeper.view().cure ?? '', /selvedge cert init/);
  assert.equal(keeper.authority, null);
  await initCertificates(subjectIn(dataDir), Date.now(), false);
  await count(1);
  assert.deepEqual([keeper.view().state, keeper.view().code], ['good', null]);
  assert.equal(keeper.serving?.certPem, served[0]);
  assert.ok(keeper.authority !== null);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['AGT-520'],
  );
});

test('R1: it renews 30 days before the end and serves the new one; what has expired meanwhile, too', async (t) => {
  const dataDir = temporaryDir(t);
  await initCertificates(subjectIn(dataDir), Date.now(), false);
  let nowMs = Date.now();
  const { keeper, served, count, errors } = keep(t, { dataDir, nowMs: () => nowMs });
  await keeper.start();
  assert.equal(served.length, 1);
  nowMs += 366 * dayMs;
  assert.equal(served.length, 1);
  nowMs += 2 * dayMs;
  await count(2);
  nowMs += 500 * dayMs;
  await count(3);
  assert.equal(new Set(served).size, 3);
  assert.equal(keeper.view().state, 'good');
  assert.deepEqual(errors, []);
});

test('a certificate for other names is not served, and the agent makes none by itself', async (t) => {
  const dataDir = temporaryDir(t);
  await initCertificates(subjectIn(dataDir, 'old.local'), Date.now(), false);
  const { keeper, served, errors } = keep(t, { dataDir });
  await keeper.start();
  assert.deepEqual([keeper.view().state, keeper.view().code, keeper.serving], ['names', 'AGT-521', null]);
  assert.deepEqual(served, []);
  assert.equal(errors.length, 1);
});

test('R2: while the time is not known nothing is made, and what is there is served', async (t) => {
  const dataDir = temporaryDir(t);
  await initCertificates(subjectIn(dataDir), Date.now() - 390 * dayMs, false);
  let nowMs: number | null = null;
  const { keeper, served, count } = keep(t, { dataDir, nowMs: () => nowMs });
  await keeper.start();
  assert.equal(served.length, 1);
  nowMs = Date.now();
  await count(2);
});

test('a renewal that cannot be made leaves the old certificate in service and is told', async (t) => {
  const dataDir = temporaryDir(t);
  await initCertificates(subjectIn(dataDir), Date.now() - 390 * dayMs, false);
  rmSync(certificateFiles(dataDir).authority);
  const { keeper, served, errors } = keep(t, { dataDir });
  await keeper.start();
  assert.equal(served.length, 1);
  assert.deepEqual([keeper.view().state, keeper.view().code], ['good', 'AGT-523']);
  assert.equal(errors.length, 1);
});

test('a certificate good for months needs no authority beside it', async (t) => {
  const dataDir = temporaryDir(t);
  await initCertificates(subjectIn(dataDir), Date.now(), false);
  rmSync(certificateFiles(dataDir).authority);
  const { keeper, served, errors } = keep(t, { dataDir });
  await keeper.start();
  assert.deepEqual([served.length, errors.length, keeper.view().code], [1, 0, null]);
});
