import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { endExchange } from '../../../agent/backup/exchange.ts';
import { nowMs, temporaryDir } from '../store/making.ts';
import { backUp, eventsOf, startOnce, storeEvents, textOf } from './making.ts';

const child = join(import.meta.dirname, 'exchange-child.ts');

/** 'old' or 'new' when all that a person would miss is of that folder. */
function sideOf(dataDir: string): string {
  const sides = names.map((name) => textOf(dataDir, name));
  sides.push(eventsOf(join(dataDir, 'journal.db')).length === 7 ? 'old' : 'new');
  return [...new Set(sides)].join(' and ');
}

const names = ['discovered.json', 'keys/gateway.key', 'users.json'];
async function folderOf(t: TestContext, side: 'old' | 'new'): Promise<string> {
  const dataDir = temporaryDir(t);
  await storeEvents(dataDir, side === 'old' ? 7 : 3);
  mkdirSync(join(dataDir, 'keys'));
  for (const name of names) writeFileSync(join(dataDir, name), side);
  return dataDir;
}

async function backupOf(t: TestContext): Promise<string> {
  const backup = join(temporaryDir(t), 'backup');
  await backUp(await folderOf(t, 'new'), backup);
  return backup;
}

/** Runs a restore and kills it before a step. True when it came to its end. */
function restoreAndKill(backup: string, dataDir: string, killAt: number): boolean {
  const { signal, status, stderr } = spawnSync(process.execPath, [child, backup, dataDir, String(killAt)], {
    encoding: 'utf8',
  });
  if (signal === 'SIGKILL') return false;
  assert.equal(status, 0, stderr);
  return true;
}

test('X1, X2, X3: killed -9 before any step, the next start finds all of the old folder or all of the restored one', async (t) => {
  const template = await folderOf(t, 'old');
  const backup = await backupOf(t);
  const seen: string[] = [];
  for (let killAt = 1; ; killAt++) {
    const dataDir = join(temporaryDir(t), 'data');
    cpSync(template, dataDir, { recursive: true });
    const ended = restoreAndKill(backup, dataDir, killAt);
    assert.deepEqual(startOnce(dataDir), [], 'nothing looks damaged');
    const side = sideOf(dataDir);
    const kept = readdirSync(dataDir).filter((name) => name.startsWith('before-restore-'));
    assert.equal(kept.length, side === 'new' ? 1 : 0);
    if (side === 'new')
      assert.equal(sideOf(join(dataDir, kept[0] ?? '', 'old')), 'old', 'what was there is kept whole');
    assert.ok(!existsSync(join(dataDir, 'restoring')));
    if (seen.at(-1) !== side) {
      // What a killed one has prepared is in nobody's way.
      assert.ok(restoreAndKill(backup, dataDir, 0));
      assert.equal(sideOf(dataDir), 'new');
    }
    seen.push(side);
    if (ended) break;
  }
  const turn = seen.indexOf('new');
  assert.ok(turn > 3 && seen.length > turn + 10, seen.join());
  assert.ok(
    seen.every((side, index) => side === (index < turn ? 'old' : 'new')),
    seen.join(),
  );
});

test('X3: a file that a command made anew while the exchange stood still is kept, too', async (t) => {
  const template = await folderOf(t, 'old');
  const backup = await backupOf(t);
  for (let killAt = 1; ; killAt++) {
    const dataDir = join(temporaryDir(t), 'data');
    cpSync(template, dataDir, { recursive: true });
    assert.equal(restoreAndKill(backup, dataDir, killAt), false);
    if (!existsSync(join(dataDir, 'restoring', 'old'))) continue;
    assert.ok(existsSync(join(dataDir, 'restoring', 'new', 'discovered.json')));
    writeFileSync(join(dataDir, 'discovered.json'), 'in between');
    const kept = endExchange(dataDir, nowMs) ?? '';
    assert.equal(sideOf(dataDir), 'new');
    assert.equal(textOf(kept, 'old', 'discovered.json'), 'old');
    assert.equal(textOf(kept, 'old', 'discovered.json-2'), 'in between');
    break;
  }
});
