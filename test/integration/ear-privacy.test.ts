/**
 * Nobody is overheard: people speak beside two machines while a whole agent enrols one, and judges the other and tells an alert with its picture to a bridge. Nothing that the two
 * keep, and so nothing that went between them, holds a stretch of what was said; and what is kept of sound changes too slowly for speech.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { operations } from '../../agent/page/api.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { listener } from '../support/ports.ts';
import { requireProgram } from '../support/peers.ts';
import { bytesBelow, formNames, heardIn, pcmOf, pieceSamples, soughtIn } from '../support/pcm-search.ts';
import { spoken, synthesiser } from '../support/speech.ts';
import { call, goodPassword, as, signIn } from '../unit/page/harness.ts';
import { run, runBridge, startAgent, temporaryDir, writeConfig, type Line } from './bad-input-rig.ts';
import { rateHz, soundFrom, speed, teach } from './ear-rig.ts';
import { until } from './sync-rig.ts';

const phrase = 'Do not tell anybody: the payroll list and your keys are in the second drawer.';
/** Correlated as much as this is a copy; what is no copy lies far below (the control says how far). */
const copy = 0.5;

/** A microphone beside a machine that runs: the phrase begins every twelve seconds, as loud as the machine. */
async function microphone(t: TestContext, said: Float32Array, hasFault: boolean): Promise<string> {
  const port = await listener(t, (socket) => {
    const sound = soundFrom(1);
    const startMs = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) / 1000) * rateHz) - sent;
      const mixed = sound(due, hasFault).map((value, i) => value + (said[(sent + i) % (12 * rateHz)] ?? 0));
      sent += due;
      socket.write(pcmOf(mixed, 's16le'));
    }, 100);
    socket.on('close', () => clearInterval(timer));
  });
  return `tcp://127.0.0.1:${port}?format=s16le&rate=${rateHz}&channels=1`;
}

async function machine(t: TestContext): Promise<string> {
  let stitches = 0;
  const port = await listener(t, (socket) => {
    const timer = setInterval(() => socket.write(`3,24.5,1.27,80,55,${(stitches += 7)},${speed}\n`), 100);
    socket.on('close', () => clearInterval(timer));
  });
  return `tcp://127.0.0.1:${port}`;
}

interface Counts {
  readonly speech: number;
  readonly judged: number;
}

const powerOf = (samples: Float32Array) => samples.reduce((sum, v) => sum + v * v, 0) / samples.length;

/** As loud as the machine of the rig, in the mean of what is said. */
function loud(samples: Float32Array): Float32Array {
  const gain = Math.sqrt(powerOf(soundFrom(3)(rateHz, false)) / powerOf(samples));
  return samples.map((value) => value * gain);
}

test('the search finds a copy of the phrase in any form, among other bytes, and nothing in sound of the machine alone', (t) => {
  if (!requireProgram(t, synthesiser)) return;
  const said = loud(spoken(phrase, 'en-gb', rateHz));
  const sought = soughtIn(said);
  const sound = soundFrom(5)(3 * pieceSamples, false);
  // Where it is loudest.
  const loudest = Array.from({ length: 20 }, (_, i) => said.subarray(i * pieceSamples, (i + 3) * pieceSamples))
    .filter(({ length }) => length === sound.length)
    .toSorted((a, b) => powerOf(b) - powerOf(a))[0];
  const heard = sound.map((value, i) => value + (loudest?.[i] ?? 0));
  for (const form of formNames) {
    const found = heardIn(Buffer.concat([Buffer.alloc(7, 0x5a), pcmOf(heard, form), Buffer.alloc(9, 1)]), sought);
    assert.ok(found.most > copy && found.as.startsWith(form), `${form}: ${found.most} as ${found.as}`);
    const alone = heardIn(pcmOf(sound, form), sought);
    assert.ok(alone.most < copy / 2, `${form} of the machine alone: ${alone.most}`);
  }
});

test(
  'of what is said beside a machine nothing is kept and nothing is sent, while it is enrolled, judged and told',
  { timeout: 420_000 },
  async (t) => {
    if (!requireProgram(t, synthesiser)) return;
    const dir = temporaryDir(t);
    const said = loud(spoken(phrase, 'en-gb', rateHz));
    const { port } = await runBridge(t, dir);
    const dataDir = join(dir, 'agent');
    for (const [name, role] of [
      ['asha', 'admin'],
      ['omar', 'maintainer'],
    ] as const) {
      const done = await run(t, ['user', 'add', name, '--role', role, '--data-dir', dataDir], `${goodPassword}\n`);
      assert.equal(done.code, 0, done.stderr);
    }
    const [unknown, odd] = [await microphone(t, said, false), await microphone(t, said, true)];
    // What the second sounds like when it is well was taught before.
    await teach(dataDir, gatewayKeys(dataDir).privateKey, odd, 'ls-2');
    const about = { profile: 'sewing-retrofit-csv' };
    const config = writeConfig(dir, {
      machines: [
        { ...about, id: 'ls-1', name: 'Lockstitch 1', endpoint: await machine(t), ear: { microphone: unknown } },
        { ...about, id: 'ls-2', name: 'Lockstitch 2', endpoint: await machine(t), ear: { microphone: odd } },
      ],
      uplink: {
        url: `mqtt://127.0.0.1:${port}`,
        bridgeKey: 'bridge/bridge.pub.pem',
        password: 'file:uplink.password',
      },
    });
    const agent = await startAgent(t, config);
    const page = Number(
      new URL(String(agent.lines.find((line: Line) => typeof line['page'] === 'string')?.['page'])).port,
    );
    const omar = await signIn(page, 'omar');
    const get = async (path: string) => (await call(page, `/api/${path}`, { headers: as(omar) })).json;
    const post = (path: string, body: object) =>
      call(page, `/api/${path}`, { method: 'POST', body, headers: as(omar) });
    const sound = async () => operations.sound.response.parse(await get('machines/ls-1/sound'));

    await until('the microphone is heard', async () => (await sound()).microphone === 'ok', 30_000);
    assert.equal((await post('machines/ls-1/sound/teach', { samples: 10 })).status, 200);
    const alerts = async () =>
      operations.alerts.response.parse(await get('alerts')).items.filter(({ type }) => type === 'sound_odd');
    await until('an alert is told', async () => (await alerts()).length > 0, 120_000);
    const [told] = await alerts();
    assert.equal(told?.machine, 'ls-2');
    const health = (await get('health')) as { ear: { microphones: (Counts & { machine: string })[] } };
    const judgedNow = health.ear.microphones.find((one) => one.machine === 'ls-2');
    assert.ok((judgedNow?.speech ?? 0) > 0 && (judgedNow?.judged ?? 0) > 0, JSON.stringify(judgedNow));

    const label = await post(`alerts/${told?.occurrence}/label`, { said: 'real', cause: 'a click' });
    assert.equal(label.status, 200, label.text);
    await until('it is enrolled', async () => (await sound()).print === 1, 200_000);
    assert.equal((await sound()).teaching?.by, 'omar');
    await until('its picture is with the bridge', () => has(join(dir, 'bridge'), 'WEBPVP8'), 60_000);
    await until('all has left', async () => (await get('health'))['outboxRecords'] === 0, 60_000);
    await agent.stop();

    const sought = soughtIn(said);
    const kept = bytesBelow(dir);
    assert.ok(has(dataDir, 'WEBPVP8'), 'the picture is among what is searched');
    assert.ok(
      kept.some(({ name }) => name.includes('voiceprints/ls-1')),
      'so is what was taught',
    );
    let most = 0;
    for (const { name, bytes } of kept) {
      const found = heardIn(bytes, sought);
      most = Math.max(most, found.most);
      assert.ok(found.most < copy, `${name}: ${found.most} as ${found.as}`);
    }
    const bytes = kept.reduce((sum, one) => sum + one.bytes.length, 0);
    t.diagnostic(`${kept.length} files and databases, ${bytes} bytes: at most ${most.toFixed(2)}`);

    const planted = join(dataDir, 'planted.bin');
    writeFileSync(planted, pcmOf(said.subarray(0, 3 * rateHz), 'f32be'));
    assert.ok(
      bytesBelow(dataDir).some((one) => heardIn(one.bytes, sought).most > copy),
      'a planted copy is found',
    );
  },
);

const has = (dir: string, text: string): boolean =>
  bytesBelow(dir).some(({ bytes }) => bytes.includes(Buffer.from(text, 'latin1')));
