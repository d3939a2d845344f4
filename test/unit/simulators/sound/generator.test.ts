/** Generator a behind the words both generators share. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Clip, Site, SoundFault } from '../../../../simulators/dataset/sound.ts';
import { generatorA } from '../../../../simulators/sound/generator.ts';

const bytesOf = (values: Float32Array | Float64Array | null): Uint8Array =>
  values === null ? new Uint8Array() : new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function hashOf({ samples, shaft, pulse, telemetry, truth }: Clip): string {
  const hash = createHash('sha256');
  for (const part of [samples, shaft.turns, shaft.drive, pulse]) hash.update(bytesOf(part));
  return hash.update(JSON.stringify(telemetry)).update(JSON.stringify(truth)).digest('hex');
}

function clipOf(kind: Site['kind'], faults: readonly SoundFault[]): Clip {
  const hall = { seed: 3, neighbours: kind, machines: 1, voices: 1, bangsPerMinute: 60 } as const;
  const machine = generatorA({ kind, seed: 4, rateHz: 16_000, hall });
  return machine.record({
    seed: 9,
    segments: [
      { kind: 'run', durationS: 1, speed: machine.nominalPerMinute },
      { kind: 'stop', durationS: 0.3 },
    ],
    load: 0.4,
    temperatureC: 28,
    faults,
    snrDb: 3,
    pulse: { jitterS: 2e-5 },
  });
}

// The hashes of the first version. Whoever changes what generator a sounds like changes them, and says so: models were taught with it.
test('generator a keeps its bytes', () => {
  assert.equal(
    hashOf(
      clipOf('sewing', [
        { kind: 'dryHook', severity: 0.7 },
        { kind: 'looseCover', severity: 0.5 },
      ]),
    ),
    'a7cc89f2558bb6d3543a4443b1f52ad165bab4e9d5d73ea1e920bc386003a06c',
  );
  assert.equal(
    hashOf(clipOf('knitting', [{ kind: 'badNeedle', needle: 3, severity: 0.7 }])),
    'b56ed4063a396f6f292a59e59e07746a3f315c5c7b2e43611560675aa7f1ed12',
  );
});

test('a signal-to-noise ratio without a hall is refused', () => {
  const machine = generatorA({ kind: 'sewing', seed: 1, rateHz: 16_000, hall: null });
  const asked = {
    seed: 1,
    segments: [{ kind: 'run', durationS: 0.2, speed: 3000 }],
    load: 0,
    temperatureC: 20,
  } as const;
  assert.equal(machine.record({ ...asked, faults: [], snrDb: null }).truth.snrDb, null);
  assert.throws(() => machine.record({ ...asked, faults: [], snrDb: 0 }), /^SimulatorError: SIM-108/);
});
