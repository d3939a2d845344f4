import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepFile, readKept } from '../../../agent/store/evidence-files.ts';
import { maxEvidenceBytes, sha256Hex } from '../../../cloud-bridge/contract.ts';
import { temporaryDir } from './making.ts';

test('E1: a file has its name when all its bytes are there, for the agent’s user alone, and nothing half is left', async (t) => {
  const dir = temporaryDir(t);
  const bytes = randomBytes(30_000);
  const [first, again] = [await keepFile(dir, bytes), await keepFile(dir, bytes)];
  assert.deepEqual([first, again], [sha256Hex(bytes), sha256Hex(bytes)]);
  const folder = join(dir, 'evidence', first.slice(0, 2));
  assert.deepEqual(readdirSync(folder), [first]);
  assert.deepEqual(readFileSync(join(folder, first)), bytes);
  assert.equal(statSync(join(folder, first)).mode & 0o777, 0o600);
});

test('E2: a damaged, missing or oddly named file reads as null; kept again it is whole again', async (t) => {
  const dir = temporaryDir(t);
  const bytes = randomBytes(1_000);
  const sha256 = await keepFile(dir, bytes);
  const path = join(dir, 'evidence', sha256.slice(0, 2), sha256);
  writeFileSync(path, bytes.subarray(1));
  assert.equal(await readKept(dir, sha256), null);
  assert.equal(await readKept(dir, 'ab'.repeat(32)), null);
  assert.equal(await readKept(dir, '../../journal.db'), null);
  await keepFile(dir, bytes);
  assert.deepEqual(await readKept(dir, sha256), bytes);
});

test('nothing, and more than the contract takes, is refused before anything is written', async (t) => {
  const dir = temporaryDir(t);
  await assert.rejects(keepFile(dir, Buffer.alloc(0)), /AGT-208/);
  await assert.rejects(keepFile(dir, Buffer.alloc(maxEvidenceBytes + 1)), /AGT-208/);
  assert.deepEqual(readdirSync(dir), []);
});
