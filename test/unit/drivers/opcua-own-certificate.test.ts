import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadOpcuaLibrary } from '../../../drivers/opcua/library.ts';
import { ownCertificate, validity } from '../../../drivers/opcua/own-certificate.ts';

test('servers that are met at the same moment, on the first start, get one certificate', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-own-'));
  t.after(() => rm(folder, { recursive: true }));
  const pkiDir = join(folder, 'own');
  const library = await loadOpcuaLibrary();
  const [first, ...others] = await Promise.all([1, 2, 3].map(() => ownCertificate(library, pkiDir)));
  const later = await ownCertificate(library, pkiDir);
  for (const one of [...others, later]) assert.deepEqual(one?.certificate, first?.certificate);
  assert.deepEqual((await readdir(pkiDir)).toSorted(), ['certificate.pem', 'key.pem']);
});

test('a gateway that starts in 1970 makes a certificate that holds today', () => {
  const todayMs = Date.UTC(2026, 10, 27);
  for (const nowMs of [0, 1_000_000, todayMs]) {
    const { fromMs, toMs } = validity(nowMs);
    assert.ok(fromMs < todayMs && toMs > todayMs + 5 * 365 * 86_400_000, new Date(fromMs).toISOString());
  }
});
