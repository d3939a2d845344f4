/**
 * Power cuts. Agents at work are recorded under strace; of the recording the disk is made as a cut at any moment would have left it, and
 * a start on it must find every record that was told as committed before.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { chooseCuts, imagesOf, keeps, startOn, writeImage, type Cut, type Outcome } from '../power-loss/images.ts';
import { missingIn } from '../power-loss/held.ts';
import { record, type Recording } from '../power-loss/recording.ts';
import { requireProgram } from '../support/peers.ts';
import { startVerb } from '../torture/processes.ts';

const seed = Number(process.env['SELVEDGE_SEED'] ?? 1) >>> 0;
const imagesOfEach = 42;
const atOnce = 3;
const dir = mkdtempSync(join(tmpdir(), 'selvedge-power-loss-'));
after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));

let made: Promise<Recording> | null = null;
/** One recording for all tests; null where strace is missing. */
async function recording(t: TestContext): Promise<Recording | null> {
  if (!requireProgram(t, 'strace')) return null;
  return (made ??= record(mkdtempSync(join(dir, 'sound-')), seed));
}

/** Some at once: most of a start is waiting for a thread. */
async function startOnAll(recorded: Recording, cuts: readonly Cut[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const images = imagesOf(recorded, cuts);
  const work = async () => {
    for (let next = images.next(); next.done !== true; next = images.next()) {
      outcomes.push(await startOn(next.value, recorded, dir));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return outcomes;
}

test(
  'the recording has everything: replayed to its end it is the folder, byte for byte',
  { timeout: 110_000 },
  async (t) => {
    const recorded = await recording(t);
    if (recorded === null) return;
    const { sessions } = recorded;
    const last = {
      session: sessions.length - 1,
      event: (sessions.at(-1)?.length ?? 0) - 1,
      keep: 'all',
      seed,
    } as const;
    const [image] = imagesOf(recorded, [last]);
    // SQLite keeps the index of a write-ahead log in shared memory, and makes it anew from the log.
    const files = [...(image?.files ?? [])].filter(([path]) => !path.endsWith('-shm'));
    assert.ok(files.length > 4);
    for (const [path, bytes] of files) assert.ok(bytes.equals(readFileSync(path)), path);
    assert.ok((image?.told.length ?? 0) > 200);
  },
);

for (const keep of keeps) {
  test(
    `a start finds all that was told, where a power cut left of unsynced writes: ${keep}`,
    { timeout: 110_000 },
    async (t) => {
      const recorded = await recording(t);
      if (recorded === null) return;
      const outcomes = await startOnAll(recorded, chooseCuts(recorded, imagesOfEach, keep, seed));
      assert.equal(outcomes.length, imagesOfEach);
      assert.ok(outcomes.some(({ told }) => told > 100));
      assert.deepEqual(
        outcomes.filter(({ problems }) => problems.length > 0),
        [],
      );
    },
  );
}

test('the agent itself starts on such a disk', { timeout: 110_000 }, async (t) => {
  const recorded = await recording(t);
  if (recorded === null) return;
  const cuts = keeps.flatMap((keep) => chooseCuts(recorded, 3, keep, seed + 1).slice(-1));
  const ordered = cuts.toSorted((a, b) => a.session - b.session || a.event - b.event);
  const config = JSON.parse(readFileSync(`${recorded.dataDir}.yaml`, 'utf8')) as object;
  for (const [at, image] of [...imagesOf(recorded, ordered)].entries()) {
    const folder = mkdtempSync(join(dir, 'agent-'));
    writeImage(image, recorded.dataDir, folder);
    const file = join(recorded.dataDir, `../image-${at}.yaml`);
    writeFileSync(file, JSON.stringify({ ...config, dataDir: folder }));
    const endpoints = join(recorded.dataDir, '../endpoints.json');
    let gone: string | null = null;
    const agent = startVerb('agent', ['run', '--config', file, '--endpoints', endpoints], (why) => (gone = why));
    t.after(() => agent.end('SIGKILL'));
    await agent.line('listening line', (line) => line['msg'] === 'listening');
    assert.equal(await agent.end('SIGTERM'), 0);
    assert.equal(gone, null);
    assert.deepEqual(missingIn(join(folder, 'journal.db'), image.told, recorded.sent), []);
  }
  assert.equal(ordered.length, keeps.length);
});

test('a journal that does not wait for the disk is found out', { timeout: 110_000 }, async (t) => {
  if (!requireProgram(t, 'strace')) return;
  const broken = new URL('../power-loss/broken-agent.ts', import.meta.url).href;
  const inPlaceOfAModule = { NODE_OPTIONS: `--import=${broken}`, SELVEDGE_FROM_SOURCES: '1' };
  const recorded = await record(mkdtempSync(join(dir, 'broken-')), seed, inPlaceOfAModule);
  const outcomes = await startOnAll(recorded, chooseCuts(recorded, 12, 'nothing', seed));
  const found = outcomes.filter(({ problems }) => problems.length > 0);
  assert.ok(found.length >= 6, `${found.length} of ${outcomes.length}`);
});
