/** The eye of one simulated tube as the agent has it, with models of its own: what `agent/parts.ts` puts together, on a camera of the test. */
import type { KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import sharp from 'sharp';
import type { EyeConfig } from '../../agent/config/config.ts';
import { Accelerators, type AcceleratorPorts } from '../../agent/models/accelerators.ts';
import { CrashNotes, noteInThread } from '../../agent/models/crash-notes.ts';
import type { InstalledModels } from '../../agent/models/installed.ts';
import type { FabricFinding } from '../../agent/findings.ts';
import type { ModelTakenBack } from '../../agent/pipeline-ports.ts';
import { EyeDesk } from '../../agent/senses/eye/desk.ts';
import { eyeModelId } from '../../agent/senses/eye/model.ts';
import { ModelWatch } from '../../agent/senses/model-watch.ts';
import { keepStyle } from '../../agent/senses/styles.ts';
import type { ConditionEvent, DriverEvent } from '../../drivers/contract.ts';
import { shippedPackages } from '../../models/package/keys.ts';
import { openSession } from '../../models/runtime.ts';
import { teach } from '../../models/vision/eye.ts';
import { writeStats } from '../../models/stats-file.ts';
import { statsOf } from '../../models/vision/taught-file.ts';
import type { KnitFault } from '../../simulators/cloth/tube-camera.ts';
import { keyPair, temporaryDir } from '../unit/models/making.ts';
import { cameraThat, part, streamHead } from './camera-peer.ts';
import { picturesAt, size, tube } from './simulated-tube.ts';
import { siteModels } from './site-models.ts';

export const machine = 'ck-1';
const fabric = 'jersey';
const fps = 12;
const picture = picturesAt(fps);

const config = (camera: string, needleZero: number | null = 700): EyeConfig => ({
  camera,
  mask: [],
  fabric,
  mmPerPx: 1 / 9,
  needles: tube.needles,
  firstNeedle: 0,
  feeders: 96,
  coursesPerCm: 18,
  circumferenceMm: (tube.needles * 10) / tube.walesPerCm,
  position: 'encoder',
  ringRowsPx: 1,
  countsPerRevolution: 4096,
  rising: true,
  needleZero,
  behind: 'darker',
  score: { grades: [], holes: 'by-size' },
  simulated: true,
});

export interface EyeRig {
  readonly dataDir: string;
  /** As the desk has it. */
  readonly eye: EyeConfig;
  /** Of the gateway. */
  readonly privateKey: KeyObject;
  readonly installed: InstalledModels;
  readonly desk: EyeDesk;
  readonly findings: FabricFinding[];
  readonly conditions: ConditionEvent[];
  readonly taken: ModelTakenBack[];
  readonly logged: string[];
  /** Adds a version of the eye's model, installed, and teaches it the cloth unless it is not to know it. */
  readonly bring: (version: string, how?: { readonly taught: boolean }) => Promise<void>;
  /** Activates, and lets a day pass when it is to be confirmed. */
  readonly use: (version: string, confirmed: boolean) => Promise<void>;
  /** Writes pictures of good cloth and a configuration that names this eye; for verbs of the command line. */
  readonly write: () => Promise<{ readonly config: string; readonly pictures: string }>;
  /** The camera sends so many pictures a second until the test ends. */
  readonly film: (faults?: readonly KnitFault[]) => void;
}

/** @param endpoint of the camera; absent: the camera of the test, which `film` speaks for */
export async function eyeRig(
  t: Pick<TestContext, 'after'>,
  more: Partial<AcceleratorPorts> = {},
  {
    endpoint = null,
    needleZero = 700,
  }: { readonly endpoint?: string | null; readonly needleZero?: number | null } = {},
): Promise<EyeRig> {
  const dir = temporaryDir(t);
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir);
  const gateway = keyPair();
  const site = siteModels(dir, dataDir);
  const { installed } = site;
  const camera = await cameraThat(t, (socket) => socket.write(streamHead));
  const eye = config(endpoint ?? camera.url, needleZero);
  const logged: string[] = [];
  const log = (_level: string, message: string, fields: Record<string, unknown>) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const [findings, conditions, taken]: [FabricFinding[], ConditionEvent[], ModelTakenBack[]] = [[], [], []];
  const watch = new ModelWatch({
    id: eyeModelId,
    of: 'the eye',
    installed,
    notes: new CrashNotes(eyeModelId, (note) => noteInThread({ dataDir, ...note })),
    accelerators: new Accelerators({
      dataDir,
      wanted: 'cpu',
      host: 'test',
      choose: () => Promise.resolve({ chosen: 'cpu', reason: 'the test', tried: [] }),
      wallMs: () => Date.now(),
      ...more,
    }),
    takenBack: (told) => taken.push(told),
    changed: () => desk.look(),
    log,
    tryAfterMs: 0,
  });
  const desk = new EyeDesk({
    machines: [{ id: machine, eye }],
    dataDir,
    publicKey: gateway.publicKey,
    models: watch,
    pipeline: {
      accept: (event: DriverEvent) => {
        if (event.kind === 'condition') conditions.push(event);
      },
      fabric: {
        told: (finding) => {
          findings.push(finding);
          return { occurrence: 'o', durable: Promise.resolve() };
        },
        anew: () => undefined,
        looked: () => undefined,
        seen: () => undefined,
      },
      evidence: () => Promise.resolve(),
    },
    keepFile: () => Promise.resolve('0'.repeat(64)),
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: () => 0.5,
    log,
  });
  t.after(() => desk.stop());
  const taughtOf = taughtOnce();
  const bring = async (version: string, how = { taught: true }) => {
    await site.bring(eyeModelId, version);
    if (!how.taught) return;
    const model = `${eyeModelId}@${version}`;
    const taught = await taughtOf();
    const about = {
      machine,
      fabric,
      taughtMs: Date.now(),
      model,
      images: 12,
      threshold: taught.threshold,
      camera: null,
    };
    const stats = writeStats(statsOf(taught, model));
    keepStyle(dataDir, { ...about, widthPx: size.widthPx, heightPx: size.heightPx }, stats, gateway.privateKey);
  };
  const use = (version: string, confirmed: boolean) => site.use(eyeModelId, version, confirmed);
  const write = async () => {
    const [path, pictures, siteKey] = ['agent.yaml', 'pictures', 'site.pem'].map((name) => join(dir, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(pictures);
    for (let number = 0; number < 12; number += 1) {
      const { width, height, pixels } = picture(7 * number, []);
      const image = sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
      await image.png().toFile(join(pictures, `${String(number).padStart(2, '0')}.png`));
    }
    writeFileSync(siteKey, site.publicKey.export({ type: 'spki', format: 'pem' }));
    const profile = { id: machine, profile: 'knit-circular-kf4-tcp', endpoint: 'tcp://127.0.0.1:5000', unit: 1 };
    const text = JSON.stringify({
      version: 1,
      site: { id: 'test', timeZone: 'UTC' },
      gateway: { id: 'gw' },
      dataDir,
      models: { siteKeys: [{ file: siteKey }] },
      page: { port: 0 },
      machines: [{ ...profile, eye: { ...config(camera.url), score: { grades: {}, holes: 'by-size' } } }],
    });
    writeFileSync(path, text);
    return { config: path, pictures };
  };
  const film = (faults: readonly KnitFault[] = []) => {
    let number = 3_000;
    const filming = setInterval(() => {
      number += 1;
      const { turns, width, height, pixels } = picture(number, faults);
      const count = `X-Encoder-Count: ${Math.floor(turns * 4096)}`;
      void sharp(pixels, { raw: { width, height, channels: 1 } })
        .jpeg({ quality: 95 })
        .toBuffer()
        .then((jpeg) => camera.send(part(jpeg, count, `X-Timestamp: ${Date.now() / 1000}`)));
    }, 1000 / fps);
    t.after(() => clearInterval(filming));
  };
  const { privateKey } = gateway;
  return { dataDir, eye, privateKey, installed, desk, findings, conditions, taken, logged, bring, use, write, film };
}

function taughtOnce() {
  let taught: ReturnType<typeof teach> | null = null;
  return () => {
    taught ??= (async () => {
      const session = await openSession(join(shippedPackages, eyeModelId, 'model.onnx'));
      try {
        return await teach(
          Array.from({ length: 12 }, (_, i) => picture(7 * i, [])),
          session,
        );
      } finally {
        await session.close();
      }
    })();
    return taught;
  };
}
