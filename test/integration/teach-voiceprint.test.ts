/** `selvedge teach voiceprint --from` as its user runs it, on recordings of a simulated machine. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { printFor, printVersions, readTaught } from '../../agent/senses/ear/prints.ts';
import { earModelId } from '../../agent/senses/ear/knowledge.ts';
import { senseModel } from '../../agent/senses/sense-model.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { pcm16, wavHead } from '../../simulators/dataset/wav.ts';
import { createLive } from '../../simulators/sound/live.ts';
import { temporaryDir } from '../unit/models/making.ts';
import { runVerb } from './verb.ts';

interface Report {
  readonly ok: boolean;
  readonly version: number | null;
  readonly speeds: readonly { readonly speed: number; readonly samples: number }[];
  readonly reason: string | null;
}

const rateHz = 48_000;
const perMinute = 3_300;
const stepS = 0.05;

/** Sound of a machine that runs at one speed, with its pulse. */
function recording(seconds: number): Buffer {
  const live = createLive({
    voice: 1_102,
    rateHz,
    neighbours: 0,
    snrDb: 0,
    usualPerMinute: perMinute,
    load: 0.5,
    firstNumber: 1,
  });
  const parts = Array.from({ length: Math.round(seconds / (4 * stepS)) }, (_, part) => {
    const moments = Array.from({ length: 5 }, (__, m) => ({
      turns: (perMinute / 60) * (4 * part + m) * stepS,
      perMinute,
      trims: 0,
      temperatureC: 25,
    }));
    const { samples, pulse } = live({ moments, stepS, faults: [] });
    return pcm16([samples, pulse]);
  });
  const pcm = Buffer.concat(parts);
  return Buffer.concat([wavHead({ channels: 2, rateHz, bits: 16 }, pcm.length), pcm]);
}

const config = `version: 1
site: { id: test, name: Test, timeZone: Asia/Dhaka }
gateway: { id: gw-1, name: Gateway }
dataDir: data
machines:
  - id: ls-1
    profile: sewing-modbus-ref
    endpoint: modbus://127.0.0.1:502
    ear: { microphone: "alsa:hw:1,0", pulse: true }
  - { id: ls-2, profile: sewing-modbus-ref, endpoint: "modbus://127.0.0.1:503" }
`;

test(
  'a machine is enrolled from recordings, with its faults, and used like what an agent learned',
  { timeout: 240_000 },
  async (t) => {
    const dir = temporaryDir(t);
    const file = join(dir, 'agent.yaml');
    writeFileSync(file, config);
    const from = join(dir, 'sound');
    mkdirSync(from);
    const teach = (machine: string, samples: number) =>
      runVerb<Report>(
        t,
        'teach',
        'voiceprint',
        '--config',
        file,
        '--machine',
        machine,
        '--from',
        from,
        '--samples',
        String(samples),
      );

    const none = await teach('ls-1', 10);
    assert.equal(none.code, 2);
    assert.match(none.err, /no WAV files/);
    assert.equal((await teach('ls-2', 10)).code, 2, 'a machine without a microphone');

    writeFileSync(join(from, '01.wav'), recording(48));
    const unspoken = await teach('ls-1', 10);
    assert.match(unspoken.err, /AGT-837/);
    assert.notEqual(unspoken.code, 0);

    writeFileSync(join(from, '01.json'), JSON.stringify({ speed: perMinute }));
    const tooFew = await teach('ls-1', 40);
    assert.equal(tooFew.code, 1);
    assert.equal(tooFew.report?.ok, false);
    assert.match(tooFew.report?.reason ?? '', /fewer than 40 samples/);
    assert.deepEqual(tooFew.report?.speeds, [{ speed: perMinute, samples: 11 }]);
    const data = join(dir, 'data');
    assert.deepEqual(printVersions(data, 'ls-1'), []);

    const done = await teach('ls-1', 10);
    assert.equal(done.code, 0, done.err);
    assert.deepEqual([done.report?.ok, done.report?.version], [true, 1]);
    const { model } = senseModel(earModelId, null);
    const { description, prints, faults } = printFor(data, 'ls-1', gatewayKeys(data).publicKey, model);
    assert.deepEqual(
      description.speeds.map(({ speed, samples }) => [speed, samples]),
      [[perMinute, 11]],
    );
    assert.equal(description.microphone, 'alsa:hw:1,0');
    assert.equal(description.rateHz, rateHz);
    assert.equal(faults.length, 1);
    for (const file of [...prints, ...faults]) assert.ok(readTaught(file).length > 0, 'it is what was signed');
  },
);
