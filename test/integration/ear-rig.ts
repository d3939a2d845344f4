/** A simulated machine that is heard over the network, and the ear as the agent has it: what `agent/sense-parts.ts` puts together. */
import type { KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AlertRecord } from '../../cloud-bridge/contract.ts';
import type { VerifiedModel } from '../../agent/models/installed.ts';
import type { OddSound } from '../../agent/pipeline-ports.ts';
import { EarDesk, type EarDeskParts } from '../../agent/senses/ear/desk.ts';
import { earModelId, faultModelId } from '../../agent/senses/ear/knowledge.ts';
import { EarStaff } from '../../agent/senses/ear/staff.ts';
import { oddRule } from '../../agent/sounds.ts';
import { keepPrint } from '../../agent/senses/ear/prints.ts';
import { featuresOf, hopsAPiece } from '../../agent/senses/ear/listening.ts';
import { senseModel } from '../../agent/senses/sense-model.ts';
import type { ConditionEvent, DriverEvent, Reading } from '../../drivers/contract.ts';
import { openSession } from '../../models/runtime.ts';
import { writeStats } from '../../models/stats-file.ts';
import { seeded } from '../../models/statistics/split.ts';
import { enrol } from '../../models/voiceprint/ear.ts';
import { bands, hopSamples } from '../../models/voiceprint/front-end.ts';
import { piecesASample, pooled } from '../../models/voiceprint/pool.ts';
import { statsOf } from '../../models/voiceprint/print-file.ts';
import type { Turner } from '../../models/voiceprint/turning.ts';
import type { EarCylinder } from '../../agent/senses/ear/settings.ts';
import { keyPair, temporaryDir } from '../unit/models/making.ts';
import { earAt } from './ear-at.ts';
import { earModels, type EarModels } from './ear-models.ts';

export const machine = 'ls-1';
export const rateHz = 48_000;
export const speed = 4_000;

/** Simulated: a knock a stitch over noise, and with a fault a second, shorter one behind it. @param fault how loud; true: as the first */
export function soundFrom(seed: number): (count: number, fault: boolean | number) => Float32Array {
  const random = seeded(seed);
  let at = 0;
  let low = 0;
  const stitch = Math.round((60 * rateHz) / speed);
  return (count, fault) => {
    const samples = new Float32Array(count);
    for (let i = 0; i < count; i += 1) {
      const within = (at + i) % stitch;
      const knock = 0.3 * Math.exp(-within / 200) * Math.sin(within * 0.25);
      const second = (within + stitch - 300) % stitch;
      const click = 0.1 * Number(fault) * Math.exp(-second / 80) * Math.sin(second * 0.8);
      low += 0.1 * (random() - 0.5 - low);
      samples[i] = knock + click + 0.02 * (random() - 0.5) + 0.1 * low;
    }
    at += count;
    return samples;
  };
}

interface Doing {
  readonly speed: number;
  readonly fault: boolean | number;
  readonly mute: boolean;
}

/** Of the clips it keeps. */
export const clipKeyOfRig = Uint8Array.from({ length: 32 }, (_, i) => i);

export interface EarRig {
  readonly dataDir: string;
  /** Path of a configuration that names this ear; for verbs of the command line. */
  readonly config: string;
  readonly desk: EarDesk;
  readonly models: EarModels;
  readonly sounds: OddSound[];
  readonly ended: number[];
  readonly kept: Uint8Array[];
  readonly evidence: (string | null)[];
  readonly conditions: ConditionEvent[];
  readonly taught: number[];
  readonly logged: string[];
  /** What staff say to it; each sound that was told is the occurrence of its number. */
  readonly staff: EarStaff;
  readonly said: unknown[];
  readonly keys: EarDeskParts['keys'];
  /** What the machine does from now on. */
  readonly run: (how: Partial<Doing>) => void;
  /** The process that hears this rig, of all ears there are; 0: none does. */
  readonly ear: () => number;
  /** Teaches it, as an hour ago. */
  readonly teach: () => Promise<void>;
}

const blockMs = 100;

/** What stands at the microphone of the rig. */
interface Heard {
  readonly voice: (count: number, fault: boolean | number) => Float32Array | readonly [Float32Array, Float32Array];
  readonly hasPulse: boolean;
  readonly turner: Turner | null;
  readonly cylinder: EarCylinder | null;
  /** Installed; null: the one that came with the agent. */
  readonly faultModel: () => VerifiedModel | null;
  /** Between two rounds; absent: a minute. */
  readonly everyMs: number;
}

/** @param voice what is heard, and the pulse on the second channel where there is one; @param turner null: no fault is suspected */
export async function earRig(
  t: Pick<TestContext, 'after'>,
  {
    voice = soundFrom(1),
    hasPulse = false,
    turner = null,
    cylinder = null,
    faultModel = () => null,
    everyMs,
  }: Partial<Heard> = {},
): Promise<EarRig> {
  const channels = hasPulse ? 2 : 1;
  const dir = temporaryDir(t);
  const [dataDir, config] = [join(dir, 'data'), join(dir, 'agent.yaml')];
  mkdirSync(dataDir);
  const keys = keyPair();
  const asUsual: Doing = { speed, fault: false, mute: false };
  let doing = asUsual;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const startMs = performance.now();
  let sent = 0;
  const sending = setInterval(() => {
    // As many as time has gone by: a timer that comes late makes a longer block.
    const due = Math.floor(((performance.now() - startMs) / 1000) * rateHz) - sent;
    sent += due;
    const heard = voice(due, doing.fault);
    const [samples, pulse] = heard instanceof Float32Array ? [heard, null] : heard;
    const bytes = Buffer.alloc(2 * due * channels);
    const sample = (value: number) =>
      doing.mute ? 0 : Math.max(-32_768, Math.min(32_767, Math.round(value * 32_000)));
    for (const [i, value] of samples.entries()) bytes.writeInt16LE(sample(value), 2 * i * channels);
    if (pulse !== null) for (const [i, value] of pulse.entries()) bytes.writeInt16LE(sample(value), 4 * i + 2);
    for (const socket of sockets) socket.write(bytes);
  }, blockMs);
  const sounds: OddSound[] = [];
  const [ended, taught]: [number[], number[]] = [[], []];
  const kept: Uint8Array[] = [];
  const evidence: (string | null)[] = [];
  const conditions: ConditionEvent[] = [];
  const said: unknown[] = [];
  const logged: string[] = [];
  const endpoint = `tcp://127.0.0.1:${port}?format=s16le&rate=${rateHz}&channels=${channels}`;
  const about = { id: machine, profile: 'sewing-modbus-ref', endpoint: 'modbus://127.0.0.1:5000', unit: 1 };
  writeFileSync(
    config,
    JSON.stringify({
      version: 1,
      site: { id: 'test', timeZone: 'UTC' },
      gateway: { id: 'gw' },
      dataDir,
      machines: [{ ...about, ear: { microphone: endpoint } }],
    }),
  );
  const models = earModels(dir, dataDir);
  const log = (_level: string, message: string) => void logged.push(message);
  const changed = () => desk.look();
  const desk: EarDesk = new EarDesk({
    machines: [
      {
        id: machine,
        ear: { microphone: endpoint, simulated: true, pulse: hasPulse, keepClips: null },
        turner,
        cylinder,
      },
    ],
    clips: new Map([[machine, { days: 1, seconds: 2, key: clipKeyOfRig }]]),
    dataDir,
    ...(everyMs === undefined ? {} : { everyMs }),
    keys,
    models: models.watch({ id: earModelId, changed, log }),
    faultModels: models.watch({ id: faultModelId, changed, log }, faultModel),
    pipeline: {
      accept: (event: DriverEvent) => {
        if (event.kind === 'condition') conditions.push(event);
      },
      sound: {
        began: (odd) => {
          sounds.push(odd);
          return { occurrence: 'o', durable: Promise.resolve() };
        },
        ended: (_machine, atMs) => void ended.push(atMs),
        anew: () => undefined,
        calm: () => undefined,
        taught: (_machine, data) => {
          taught.push(Number(data['version']));
          return Promise.resolve();
        },
        labelled: () => Promise.resolve(),
      },
      evidence: (_machine, _atMs, data) => {
        evidence.push(data.occurrence);
        return Promise.resolve();
      },
    },
    keepFile: (bytes) => {
      kept.push(bytes);
      return Promise.resolve('0'.repeat(64));
    },
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: () => 0.5,
    log,
  });
  const staff = new EarStaff({
    machines: [machine],
    dataDir,
    keys,
    desk,
    occurrence: (id) => {
      const odd = sounds[Number(id)];
      if (odd === undefined) return Promise.resolve([]);
      const { path, score, threshold, spread, moved, print } = odd;
      const alert = { machine, rule: oddRule, evidence: { path, score, threshold, spread, moved, print } };
      return Promise.resolve([alert as unknown as AlertRecord]);
    },
    labelled: (_machine, data) => {
      said.push(data['said'] ?? null);
      return Promise.resolve();
    },
    clock: { wallMs: () => Date.now() },
    log: () => undefined,
  });
  const polling = setInterval(() => {
    const nowMs = Date.now();
    const reading: Reading = {
      machine,
      signal: 'spindle.speed',
      quality: 'good',
      value: doing.speed,
      sourceTimeMs: nowMs,
      receivedTimeMs: nowMs,
      monotonicMs: performance.now(),
    };
    desk.saw({ kind: 'readings', machine, readings: [reading] });
  }, 200);
  t.after(async () => {
    clearInterval(sending);
    clearInterval(polling);
    await desk.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    dataDir,
    config,
    desk,
    models,
    staff,
    said,
    keys,
    sounds,
    ended,
    kept,
    evidence,
    conditions,
    taught,
    logged,
    ear: () => earAt([...sockets].map(({ remotePort }) => remotePort)),
    run: (how) => (doing = { ...asUsual, ...how }),
    teach: () => teach(dataDir, keys.privateKey, endpoint),
  };
}

const samplesTaught = 30;

/** Of the same machine, by the same steps, without waiting for it to run. @param name the machine it is the sound of */
export async function teach(dataDir: string, key: KeyObject, microphone: string, name = machine): Promise<void> {
  const { model, modelFile } = senseModel(earModelId, null);
  const session = await openSession(modelFile);
  const sound = soundFrom(2);
  const clips = [];
  for (let i = 0; i < samplesTaught; i += 1) {
    const pieces = Array.from({ length: piecesASample }, (_, at) => ({
      fromMs: at,
      toMs: at,
      rateHz,
      samples: sound(hopsAPiece * hopSamples, false).map((value) => Math.round(value * 32_000) / 32_768),
    }));
    const heard = await featuresOf(pieces, session);
    clips.push({ windows: [pooled(heard.flatMap((one) => one ?? []))], bands });
  }
  await session.close();
  const print = enrol(clips);
  const { threshold, spread } = print;
  const stats = writeStats(statsOf(print, model));
  keepPrint(
    dataDir,
    {
      machine: name,
      taughtMs: 1,
      model,
      microphone,
      rateHz,
      levels: { lowDb: -20, highDb: -50 },
      speeds: [{ speed, samples: samplesTaught, threshold, spread, stats, faults: null }],
    },
    key,
  );
}
