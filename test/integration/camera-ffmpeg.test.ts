import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { requireProgram } from '../support/peers.ts';
import { listener } from '../support/ports.ts';
import { Watched } from './camera-watcher.ts';

const go = new AbortController().signal;

function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-ffmpeg-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

/** A video made by ffmpeg itself: an even grey without loss, so that every byte is known. */
function video(dir: string, seconds: number, grey = '0x646464'): string {
  const path = join(dir, 'grey.avi');
  const source = `color=c=${grey}:size=64x48:rate=25:duration=${seconds}`;
  const args = ['-loglevel', 'error', '-f', 'lavfi', '-i', source, '-vf', 'format=gray', '-c:v', 'ffv1', '-y', path];
  const { status, stderr } = spawnSync('ffmpeg', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return path;
}

/** A program that is called in ffmpeg's place. */
function program(dir: string, script: string): string {
  const path = join(dir, 'ffmpeg-of-test');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Command lines of the processes of this computer that hold a text. */
function processesWith(text: string): { readonly pid: number; readonly line: string }[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : '';
      return line.includes(text) ? [{ pid: Number(pid), line }] : [];
    } catch {
      return [];
    }
  });
}

async function gone(text: string, withinMs: number): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (processesWith(text).length > 0) {
    assert.ok(performance.now() < endMs, `still there after ${withinMs} ms: ${JSON.stringify(processesWith(text))}`);
    await wait(20);
  }
}

test('a video is read picture by picture, each byte as it was', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const path = video(temporaryDir(t), 1);
  const watched = new Watched(t, { endpoint: `video+file://${path}`, backoff: { minMs: 60_000, maxMs: 60_000 } });
  await watched.camera.start(go);
  await watched.until('it has ended', (all) => all.links().includes('down ended'));
  const { received, dropped, refused } = watched.camera.counts();
  assert.deepEqual([received, refused], [25, 0]);
  assert.equal(watched.frames.length, 25 - dropped);
  for (const frame of watched.frames) {
    assert.deepEqual([frame.width, frame.height, frame.capturedBy], [64, 48, 'receipt']);
    assert.ok(frame.pixels.every((value) => value === 100));
  }
  await watched.camera.stop();
  await gone(path, 2_000);
});

test('where ffmpeg is missing it is said, with what to do', async (t) => {
  const watched = new Watched(t, { endpoint: 'rtsp://127.0.0.1:1/x', ffmpeg: '/nowhere/ffmpeg' });
  await watched.camera.start(go);
  await watched.until('it is told', ({ logged }) => logged.length > 0);
  assert.match(watched.logged[0] ?? '', /"code":"DRV-501".*"reason":"ffmpeg-missing".*apt install ffmpeg/);
  const health = { stalledMs: 100 };
  const patient = new Watched(t, { endpoint: 'rtsp://127.0.0.1:1/x', ffmpeg: '/nowhere/ffmpeg', health });
  await patient.camera.start(go);
  await patient.until('a silent eye is told', (all) => all.states().includes('stalled'));
});

test('an ffmpeg that hangs is told and started anew; the stop ends it whatever it ignores', async (t) => {
  const dir = temporaryDir(t);
  const hung = program(dir, 'trap \'\' TERM INT HUP PIPE\necho >> "$0.starts"\nwhile :; do sleep 0.2; done');
  const starts = () => (existsSync(`${hung}.starts`) ? statSync(`${hung}.starts`).size : 0);
  const watched = new Watched(t, { endpoint: 'v4l2:///dev/video99', ffmpeg: hung, health: { stalledMs: 300 } });
  await watched.camera.start(go);
  await watched.until('it is stalled', (all) => all.states().includes('stalled'));
  while (starts() < 2) await wait(20);
  assert.ok(processesWith(hung).length > 0);
  const stoppedMs = performance.now();
  await watched.camera.stop();
  assert.ok(performance.now() - stoppedMs < 1_000);
  await gone(hung, 1_000);
});

test('an ffmpeg that is killed is started anew', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const path = video(temporaryDir(t), 60);
  const watched = new Watched(t, { endpoint: `video+file://${path}` });
  await watched.camera.start(go);
  await watched.until('pictures', ({ frames }) => frames.length > 3);
  const [running] = processesWith(path).filter(({ line }) => line.startsWith('ffmpeg '));
  assert.ok(running !== undefined);
  process.kill(running.pid, 'SIGKILL');
  await watched.until('it is told', (all) => all.links().includes('down ffmpeg-ended'));
  const before = watched.frames.length;
  await watched.until('pictures again', ({ frames }) => frames.length > before + 3);
  assert.equal(processesWith(path).filter(({ line }) => line.startsWith('ffmpeg ')).length, 1, 'one at a time');
  await watched.camera.stop();
  await gone(path, 2_000);
});

test('when this process is killed ffmpeg is gone within 2 s, though it hangs', async (t) => {
  const dir = temporaryDir(t);
  const hung = program(dir, "trap '' TERM INT HUP PIPE\nwhile :; do sleep 0.2; done");
  const caller = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'camera-caller.ts'),
      'rtsp://127.0.0.1:1/x',
      hung,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => caller.kill('SIGKILL'));
  await once(createInterface({ input: caller.stdout }), 'line');
  const ours = () => processesWith(`/bin/sh ${hung}`).length;
  while (ours() === 0) await wait(20);
  caller.kill('SIGKILL');
  await once(caller, 'exit');
  await gone(hung, 2_000);
});

test('what is no stream of pictures ends it, and nothing of it is taken for one', async (t) => {
  const dir = temporaryDir(t);
  for (const [script, reason] of [
    ['echo frame=1', 'no-picture'],
    ["printf 'P5\\n65535 65535\\n255\\n'; sleep 5", 'no-picture'],
    ["printf 'P5\\n4 4\\n255\\nabc'; exit 1", 'ffmpeg-ended'],
    ['echo "rtsp://amina:geheim@cam: Connection refused" >&2; exit 1', 'connection-refused'],
    ['echo "method DESCRIBE failed: 401 Unauthorized" >&2; exit 1', 'access-denied'],
  ] as const) {
    const watched = new Watched(t, { endpoint: 'rtsp://127.0.0.1:1/x', ffmpeg: program(dir, script) });
    await watched.camera.start(go);
    await watched.until(reason, ({ logged }) => logged.length > 0);
    assert.match(watched.logged[0] ?? '', new RegExp(`"reason":"${reason}"`), script);
    assert.doesNotMatch(watched.logged[0] ?? '', /geheim|amina/);
    assert.equal(watched.frames.length, 0);
    await watched.camera.stop();
  }
});

test('user and password reach the camera and stand in no command line', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const asked: string[] = [];
  // RTSP (RFC 2326): the same Basic authorisation as in HTTP.
  const port = await listener(t, (socket) => {
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      asked.push(text);
      const number = /CSeq: (\d+)/.exec(text)?.[1] ?? '0';
      const isOptions = text.startsWith('OPTIONS');
      const answer = isOptions
        ? '200 OK\r\nPublic: DESCRIBE, SETUP, PLAY'
        : '401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"';
      socket.write(`RTSP/1.0 ${answer}\r\nCSeq: ${number}\r\n\r\n`);
    });
  });
  const seen: string[] = [];
  const looking = setInterval(() => seen.push(...processesWith('geheim').map(({ line }) => line)), 5);
  t.after(() => clearInterval(looking));
  const credentials = { user: 'amina', password: "geheim'@/:" };
  const watched = new Watched(t, { endpoint: `rtsp://127.0.0.1:${port}/s`, credentials });
  await watched.camera.start(go);
  await watched.until('it is refused', ({ logged }) => logged.length > 0);
  // base64 of amina:geheim'@/:
  const basic = 'YW1pbmE6Z2VoZWltJ0AvOg==';
  assert.ok(
    asked.some((text) => text.startsWith('DESCRIBE ') && text.includes(`Authorization: Basic ${basic}`)),
    asked.join('\n'),
  );
  assert.match(watched.logged[0] ?? '', /"reason":"access-denied"/);
  assert.doesNotMatch(JSON.stringify([watched.logged, watched.events]), /geheim|amina/);
  assert.deepEqual(seen, []);
});

test('a file that tells ffmpeg to call somebody is not obeyed', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  let calls = 0;
  const port = await listener(t, () => {
    calls += 1;
  });
  const dir = temporaryDir(t);
  const files: readonly [string, string][] = [
    ['list.m3u8', `#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:${port}/a.ts\n#EXT-X-ENDLIST\n`],
    ['list.ffconcat', `ffconcat version 1.0\nfile 'http://127.0.0.1:${port}/a.ts'\n`],
  ];
  for (const [name, text] of files) {
    const path = join(dir, name);
    writeFileSync(path, text);
    const watched = new Watched(t, { endpoint: `video+file://${path}` });
    await watched.camera.start(go);
    await watched.until(`${name} is refused`, (all) => all.logged.length > 0);
    await watched.camera.stop();
  }
  assert.equal(calls, 0);
  assert.ok(existsSync(dir));
});
