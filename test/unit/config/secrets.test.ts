import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveSecret } from '../../../agent/config/secrets.ts';
import { AgentError } from '../../../agent/errors.ts';

test('a secret comes from the environment or a file, without the line end of the file', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-secret-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'password');
  writeFileSync(file, ' hunter 2 \n');
  assert.equal(resolveSecret(`file:${file}`), ' hunter 2 ');
  writeFileSync(file, 'a\nb\r\n');
  assert.equal(resolveSecret(`file:${file}`), 'a\nb');
  assert.equal(resolveSecret('env:PW', { PW: 'hunter2' }), 'hunter2');
});

test('a secret that is not there is an error that names the reference alone', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-secret-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const long = join(dir, 'long');
  writeFileSync(long, 'hunter2'.repeat(10_000));
  writeFileSync(join(dir, 'empty'), '\n');
  for (const reference of [
    'env:NONE',
    'env:EMPTY',
    `file:${dir}/none`,
    `file:${dir}`,
    `file:${dir}/empty`,
    `file:${long}`,
  ] as const) {
    assert.throws(
      () => resolveSecret(reference, { EMPTY: '' }),
      (error) =>
        error instanceof AgentError &&
        error.entry.code === 'AGT-102' &&
        error.message.includes(reference) &&
        !error.message.includes('hunter2'),
      reference,
    );
  }
});
