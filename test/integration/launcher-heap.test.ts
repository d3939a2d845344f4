/** How much memory the launcher lets V8 take, by what the configuration reads. In the place of Node stands a script that tells its arguments. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDir } from './bad-input-rig.ts';

const launcher = join(import.meta.dirname, '../../agent/bin/selvedge');

test('an agent that reads OPC UA has a heap for its messages, every other a small one', (t) => {
  const root = temporaryDir(t);
  const own = join(root, 'agent/bin/selvedge');
  const node = join(root, 'node_modules/.bin/node');
  for (const dir of ['agent/bin', 'node_modules/.bin']) mkdirSync(join(root, dir), { recursive: true });
  copyFileSync(launcher, own);
  writeFileSync(node, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
  chmodSync(node, 0o755);
  const file = (name: string, endpoint: string): string => {
    const path = join(root, name);
    writeFileSync(path, `machines:\n  - id: m-1\n    endpoint: ${endpoint}\n`);
    return path;
  };
  const modbus = file('modbus.yaml', 'tcp://10.0.0.1:502');
  const opcua = file('with opcua.yaml', 'opc.tcp://10.0.0.1:4840');
  const without = file('without.yaml', 'tcp://10.0.0.1:502 # was opc.tcp://10.0.0.1:4840');
  const isSmall = (...args: string[]): boolean => {
    const { stdout, stderr, status } = spawnSync('sh', [own, 'run', ...args], {
      encoding: 'utf8',
      env: { ...process.env, SELVEDGE_FROM_SOURCES: '1' },
    });
    assert.deepEqual([status, stderr], [0, '']);
    const words = stdout.split('\n');
    assert.ok(words.includes('--no-maglev'), stdout);
    for (const word of args) assert.ok(words.includes(word), `${word}: ${stdout}`);
    const savesMemory = words.includes('--memory-saver-mode');
    assert.equal(words.includes('--bytecode-old-age=2'), !savesMemory, stdout);
    return savesMemory;
  };
  assert.equal(isSmall('--config', modbus), true);
  assert.equal(isSmall('--config', without), true);
  assert.equal(isSmall('--config', opcua), false);
  assert.equal(isSmall(`--config=${opcua}`), false);
  assert.equal(isSmall('--config', modbus, '--endpoints', opcua), false);
  assert.equal(isSmall('--config', join(root, 'none.yaml')), true);
  assert.equal(isSmall(), true);
});
