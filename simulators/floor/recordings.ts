/**
 * Recordings of machines running well, as the microphones of a floor would make them earlier that day, with what the machines said of their speed
 * meanwhile: to enrol a machine from without waiting for it (`selvedge teach voiceprint --from`). The same machines, in the same places.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pcm16, wavHead } from '../dataset/wav.ts';
import { SimulatorError } from '../errors.ts';
import { createRandom } from '../random.ts';
import type { Scenario } from '../scenario/schema.ts';
import { createLive } from '../sound/live.ts';
import { heardMachines, siteOf, type HeardMachine } from './microphones.ts';
import { createFloorModel } from './model.ts';

/** So long each machine has to have run: some twenty samples of four seconds, with what is lost at both ends of every seam. */
const runsForS = 115;
/** A machine that is hardly ever sewn on. */
const mostS = 1_800;
const fileS = 60;
const partTicks = 4;
const pollEveryMs = 250;

/**
 * Writes `<folder>/<machine>/nn.wav`, a minute each, and beside it `nn.json` with the polls.
 * @returns how many
 * @throws SimulatorError SIM-101 where the folder is not empty or cannot be written
 */
export async function writeRecordings(scenario: Scenario, seed: number, folder: string): Promise<number> {
  let written = 0;
  const machines = heardMachines(createFloorModel(scenario, seed, { healthy: true }));
  for (const { view } of machines) {
    const { id } = view.scenario;
    const into = join(folder, id);
    let number = 0;
    // Each by itself and from the start of its shift: cold, and then warm.
    const model = createFloorModel(scenario, seed, { healthy: true });
    const heard = heardMachines(model).find((one) => one.view.scenario.id === id);
    if (heard === undefined) continue;
    try {
      await mkdir(into, { recursive: true });
      if ((await readdir(into)).length > 0) throw new SimulatorError('fileUnwritable', `${into} is not empty`);
      for (const { wav, polls } of recordings(heard, model, seed)) {
        number += 1;
        const name = join(into, String(number).padStart(2, '0'));
        await writeFile(`${name}.wav`, wav);
        await writeFile(`${name}.json`, JSON.stringify({ polls }));
      }
      written += number;
    } catch (error) {
      if (error instanceof SimulatorError) throw error;
      throw new SimulatorError('fileUnwritable', `${into}: ${String(error)}`, { cause: error });
    }
  }
  return written;
}

interface Recording {
  readonly wav: Buffer;
  readonly polls: readonly { readonly s: number; readonly speed: number }[];
}

function* recordings(
  { view, microphone, usualPerMinute }: HeardMachine,
  model: ReturnType<typeof createFloorModel>,
  seed: number,
): Generator<Recording> {
  const live = createLive(siteOf(microphone, usualPerMinute, createRandom(seed, `recordings ${view.scenario.id}`)));
  const { tickMs } = model;
  let ranMs = 0;
  while (ranMs < runsForS * 1000 && model.elapsedMs < mostS * 1000) {
    const fromMs = model.elapsedMs;
    const pcm: Buffer[] = [];
    const polls: { s: number; speed: number }[] = [];
    let shaft = view.shaft();
    while (shaft !== null && model.elapsedMs - fromMs < fileS * 1000) {
      const moments = [shaft];
      for (let tick = 0; tick < partTicks; tick += 1) {
        model.step(tickMs);
        shaft = view.shaft() ?? shaft;
        moments.push(shaft);
        if (shaft.perMinute > 0) ranMs += tickMs;
        const atMs = model.elapsedMs - fromMs;
        const speed = view.values().get('spindle.speed');
        if (atMs % pollEveryMs === 0 && typeof speed === 'number') polls.push({ s: atMs / 1000, speed });
      }
      const { samples, pulse } = live({ moments, stepS: tickMs / 1000, faults: [] });
      pcm.push(pcm16(microphone.pulse ? [samples, pulse] : [samples]));
    }
    const sound = Buffer.concat(pcm);
    const format = { channels: microphone.pulse ? 2 : 1, rateHz: microphone.rateHz, bits: 16 } as const;
    yield { wav: Buffer.concat([wavHead(format, sound.length), sound]), polls };
  }
}
