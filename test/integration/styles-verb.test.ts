/** `selvedge styles` as staff call it, between two gateways. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { keepStyle } from '../../agent/senses/styles.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';

const launcher = join(import.meta.dirname, '../../agent/bin/selvedge');

function gateway(t: TestContext, machine: string) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-styles-verb-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir);
  const config = join(dir, 'agent.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      version: 1,
      site: { id: 'demo', timeZone: 'UTC' },
      gateway: { id: 'gw' },
      dataDir,
      machines: [{ id: machine, profile: 'knit-circular-kf4-tcp', endpoint: 'tcp://127.0.0.1:9', unit: 1 }],
    }),
  );
  const keyFile = join(dir, 'key.pem');
  writeFileSync(keyFile, gatewayKeys(dataDir).publicPem);
  const json = join(dir, 'out.json');
  const styles = async (...args: string[]) => {
    rmSync(json, { force: true });
    const all = ['styles', ...args, '--config', config, '--json', json];
    const child = spawn('sh', [launcher, ...all], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    assert.ok(code < 2, said);
    return { code, report: JSON.parse(readFileSync(json, 'utf8')) as Record<string, unknown> };
  };
  return { dir, dataDir, keyFile, styles };
}

test('a style goes to another gateway that trusts its key, and to no other', { timeout: 120_000 }, async (t) => {
  const [home, away] = [gateway(t, 'ck-1'), gateway(t, 'ck-7')];
  const taught = {
    machine: 'ck-1',
    fabric: 'rib',
    taughtMs: 1_767_600_000_000,
    model: 'fabric-anomaly@1.0.0',
    images: 12,
    widthPx: 512,
    heightPx: 256,
    threshold: 1,
    camera: null,
  };
  keepStyle(home.dataDir, taught, Buffer.from('stats'), gatewayKeys(home.dataDir).privateKey);
  const listed = await home.styles('list');
  const { taughtMs, model, images } = taught;
  const item = { fabric: 'rib', version: 1, taughtMs, model, images };
  assert.deepEqual(listed, { code: 0, report: { items: [{ machine: 'ck-1', ...item }] } });
  const copy = join(home.dir, 'copy');
  const exported = await home.styles('export', '--machine', 'ck-1', '--fabric', 'rib', '--to', copy);
  assert.deepEqual(exported, { code: 0, report: { ok: true, machine: 'ck-1', ...item } });

  const stranger = await away.styles('import', '--machine', 'ck-7', '--from', copy);
  assert.deepEqual([stranger.code, stranger.report['ok'], stranger.report['code']], [1, false, 'MDL-204']);
  assert.deepEqual((await away.styles('list')).report, { items: [] });
  const known = await away.styles('import', '--machine', 'ck-7', '--from', copy, '--site-key', home.keyFile);
  assert.deepEqual(known, { code: 0, report: { ok: true, machine: 'ck-7', ...item } });
  assert.deepEqual((await away.styles('list')).report, { items: [{ machine: 'ck-7', ...item }] });
});
