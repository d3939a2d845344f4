import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeFolder } from '../../../agent/folder.ts';
import { makeFolder as makeDriverFolder } from '../../../drivers/opcua/folder.ts';
import { temporaryDir } from './making.ts';

const both = [
  ['agent', async (path: string) => makeFolder(path)],
  ['OPC UA driver', makeDriverFolder],
] as const;

for (const [whose, make] of both) {
  test(`${whose}: a folder is made with its parents, for its user alone, and may be there already`, async (t: TestContext) => {
    const path = join(temporaryDir(t), 'a', 'b');
    await Promise.all([make(path), make(path)]);
    await make(path);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
  });

  test(`${whose}: where no folder can be made it is said at once`, async (t) => {
    const file = join(temporaryDir(t), 'file');
    writeFileSync(file, '');
    await assert.rejects(make(join(file, 'below', 'it')), /EEXIST|ENOTDIR/);
    // Node's own recursive mkdir never comes back from here.
    await assert.rejects(make('/proc/selvedge/agent'), /ENOENT/);
  });
}
