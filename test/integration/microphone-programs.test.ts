import assert from 'node:assert/strict';
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
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { requireProgram } from '../support/peers.ts';
import { listener } from '../support/ports.ts';
import { Listening } from './microphone-watcher.ts';

/** A program that is called in place of arecord or ffmpeg. */
function program(t: TestContext, script: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-arecord-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const path = join(dir, 'program-of-test');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Command lines of the processes of this computer that hold a text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : '';
      return line.includes(text) ? [line] : [];
    } catch {
      return [];
    }
  });
}

const nowhere = { arecord: '/nowhere/arecord', ffmpeg: '/nowhere/ffmpeg' };
const slow = { minMs: 60_000, maxMs: 60_000 };

test('where neither arecord nor ffmpeg is there it is said, with what to do', async (t) => {
  const mic = new Listening(t, { endpoint: 'alsa:default', ...nowhere, health: { stalledMs: 100 } });
  await mic.start();
  await mic.until('it is told', (all) => all.logged.length > 0 && all.states().includes('stalled'));
  assert.match(mic.logged[0] ?? '', /"code":"DRV-531".*"reason":"program-missing".*apt install alsa-utils/);
});

test('where there is no arecord ffmpeg is asked, and a sound card that is not there is said to be so', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const mic = new Listening(t, { endpoint: 'alsa:hw:77,0', arecord: '/nowhere/arecord', backoff: slow });
  await mic.start();
  await mic.until('it is told', ({ logged }) => logged.length > 0);
  assert.match(mic.logged[0] ?? '', /"code":"DRV-532".*"reason":"not-there".*arecord -L/);
});

test("ALSA's card of nothing is read by ffmpeg at the rate and with the channels of the address", async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const mic = new Listening(t, { endpoint: 'alsa:null?rate=44100&channels=2', arecord: '/nowhere/arecord' });
  await mic.start();
  await mic.until('sound', ({ endSample }) => endSample > 1_000);
  await mic.microphone.stop();
  const formats = mic.events.filter((event) => event.kind === 'format');
  assert.deepEqual(
    formats.map(({ rateHz, channels }) => [rateHz, channels]),
    [[44_100, 2]],
  );
});

test('bare samples of arecord are heard in the form that was asked for', async (t) => {
  // 0x4000 is half of full scale.
  const arecord = program(t, 'while :; do printf "\\000\\100\\000\\300"; done');
  const mic = new Listening(t, { endpoint: 'alsa:hw:1,0?channels=2', arecord });
  await mic.start();
  await mic.until('sound', ({ endSample }) => endSample > 1_000);
  assert.deepEqual([mic.last(100, 0)[50], mic.last(100, 1)[50]], [0.5, -0.5]);
  await mic.microphone.stop();
  assert.deepEqual(processesWith(arecord), []);
});

test('what arecord says is understood: another rate, a card that is busy or not there, an overrun', async (t) => {
  for (const [script, reason] of [
    ['echo "Warning: rate is not accurate (requested = 48000Hz, got = 44100Hz)" >&2; sleep 5', 'format-refused'],
    ['echo "arecord: main:831: audio open error: Device or resource busy" >&2; exit 1', 'device-busy'],
    ['echo "arecord: main:831: audio open error: No such file or directory" >&2; exit 1', 'not-there'],
    ['echo "arecord: set_params:1352: Channels count non available" >&2; exit 1', 'format-refused'],
    ['echo "arecord: main:831: audio open error: Permission denied" >&2; exit 1', 'access-denied'],
    ['echo gone >&2; exit 1', 'program-ended'],
  ] as const) {
    const mic = new Listening(t, { endpoint: 'alsa:hw:1,0', arecord: program(t, script), backoff: slow });
    await mic.start();
    await mic.until(reason, ({ logged }) => logged.length > 0);
    assert.match(mic.logged[0] ?? '', new RegExp(`"reason":"${reason}"`), script);
    assert.equal(mic.endSample, 0);
    await mic.microphone.stop();
  }
  const script =
    'head -c 9600 /dev/zero; sleep 0.2; echo "overrun!!! (at least 12.500 ms long)" >&2; sleep 0.2; head -c 9600 /dev/zero; sleep 9';
  const mic = new Listening(t, { endpoint: 'alsa:hw:1,0', arecord: program(t, script) });
  await mic.start();
  await mic.until('the overrun', ({ endSample }) => endSample === 4_800 + 600 + 4_800);
  assert.deepEqual(mic.gaps(), ['overrun']);
});

test('a program that hangs is told and started anew; the stop ends it whatever it ignores', async (t) => {
  const hung = program(t, 'trap \'\' TERM INT HUP PIPE\necho >> "$0.starts"\nwhile :; do sleep 0.2; done');
  const starts = () => (existsSync(`${hung}.starts`) ? statSync(`${hung}.starts`).size : 0);
  const mic = new Listening(t, { endpoint: 'alsa:hw:1,0', arecord: hung, health: { stalledMs: 300 } });
  await mic.start();
  await mic.until('it is stalled', (all) => all.states().includes('stalled'));
  await mic.until('it is started anew', () => starts() >= 2);
  assert.ok(processesWith(hung).length > 0);
  const stoppedMs = performance.now();
  await mic.microphone.stop();
  assert.ok(performance.now() - stoppedMs < 1_000);
  while (processesWith(hung).length > 0) {
    assert.ok(performance.now() - stoppedMs < 2_000);
    await wait(20);
  }
});

test('user and password reach the microphone and stand in no command line', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const asked: string[] = [];
  const port = await listener(t, (socket) => {
    socket.on('data', (bytes) => {
      asked.push(bytes.toString('latin1'));
      socket.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n');
    });
  });
  const seen: string[] = [];
  const looking = setInterval(() => seen.push(...processesWith('geheim')), 5);
  t.after(() => clearInterval(looking));
  const credentials = { user: 'amina', password: "geheim'@/:" };
  const mic = new Listening(t, { endpoint: `ffmpeg:http://127.0.0.1:${port}/s`, credentials, backoff: slow });
  await mic.start();
  await mic.until('it is refused', ({ logged }) => logged.length > 0);
  // base64 of amina:geheim'@/:
  assert.ok(
    asked.some((text) => text.includes('Authorization: Basic YW1pbmE6Z2VoZWltJ0AvOg==')),
    asked.join('\n'),
  );
  assert.match(mic.logged[0] ?? '', /"reason":"access-denied"/);
  assert.doesNotMatch(JSON.stringify([mic.logged, mic.events]), /geheim|amina/);
  assert.deepEqual(seen, []);
});
