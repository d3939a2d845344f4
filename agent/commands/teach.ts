/** `selvedge teach vision`: shows the eye some metres of good cloth. Works beside a running agent, which uses it within seconds. */
import { parseArgs } from 'node:util';
import { openSession } from '../../models/runtime.ts';
import { leastImages, teach } from '../../models/vision/eye.ts';
import { writeStats } from '../../models/vision/stats-file.ts';
import { statsOf } from '../../models/vision/taught-file.ts';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { eyeModel, eyeModelId, shadowModel, type EyeModel } from '../senses/eye/model.ts';
import { fabricPattern, keepStyle } from '../senses/styles.ts';
import { fromCamera, fromFolder, learnFrom, mostImages, type Gathered } from '../senses/teaching.ts';
import { InstalledModels } from '../models/installed.ts';
import { trustedKeys } from '../models/trust.ts';
import { runGolden } from '../../models/package/golden.ts';
import { gatewayKeys } from '../sync/keys.ts';
import { hostBoot, hostMonotonicMs } from '../time/host.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge teach vision --config FILE --machine M --fabric F --from camera|DIR [--images N] [--json FILE]

Shows the eye good cloth: no faults, no labels. What it learned is kept in the data folder under this machine and fabric, signed with the
gateway's key; teaching again makes the next version, and the five newest stay. A model in the shadow is shown the same cloth. A running agent uses it within some seconds.

  --machine M    a machine of the configuration with a camera (eye:)
  --fabric F     the name of the cloth: a–z, 0–9 and -; eye.fabric says which one is on the machine
  --from camera  pictures of the machine's camera while it knits good cloth
  --from DIR     the images of a folder (PNG, JPEG, WebP): whole pictures of this camera, all of one size
  --images N     so many pictures of the camera, ${leastImages} … ${mostImages}; default 12
  --endpoints FILE  as selvedge run takes it
  --json FILE    also write {ok, machine, fabric, version, images, refused:[{image, reason}], threshold, seconds, advice:[…]}

Exit code: 0 learned, 1 too little cloth to learn from, 2 wrong usage or a folder that cannot be used.
`;

/** Fewer are learned from, with the advice to show more. */
const wantedImages = 12;
/** Energy of the finest detail by that of all: a picture in focus has some times as much. */
const leastSharpness = 0.2;
const mostNamed = 10;
const pictureEveryMs = 500;
const pictureWithinMs = 60_000;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { config: text, endpoints: text, machine: text, fabric: text, from: text, images: text, json: text },
  });
  const { config: configFile, endpoints, machine: id, fabric, from } = values;
  if (positionals.join() !== 'vision' || configFile === undefined || id === undefined || from === undefined) {
    throw new AgentError('usage', 'teach takes the word vision, --config, --machine, --fabric and --from');
  }
  if (fabric === undefined || !fabricPattern.test(fabric))
    throw new AgentError('usage', '--fabric: 1 to 40 of a–z, 0–9 and -');
  const config = loadConfig(configFile, endpoints === undefined ? {} : { endpoints });
  const machine = config.machines.find((one) => one.id === id);
  const eye = machine?.eye ?? machine?.webEye ?? null;
  if (eye === null) throw new AgentError('usage', `--machine: ${id} has no camera (eye:) in ${configFile}`);
  const images = imagesOf(values.images ?? String(wantedImages));
  const ringRowsPx = eye.position === 'index' ? eye.ringRowsPx : 0;
  const startMs = performance.now();
  const gathered =
    from === 'camera'
      ? await fromCamera({
          camera: id,
          endpoint: eye.camera,
          mask: eye.mask,
          ringRowsPx,
          images,
          everyMs: pictureEveryMs,
          withinMs: pictureWithinMs,
          onImage: (taken) => void process.stderr.write(`picture ${taken} of ${images}\n`),
        })
      : await fromFolder(from, { mask: eye.mask, ringRowsPx });
  const installed = new InstalledModels({
    dataDir: config.dataDir,
    trusted: trustedKeys(config.dataDir, config.models.siteKeys),
    golden: runGolden,
    now: () => ({ boot: hostBoot(), monotonicMs: hostMonotonicMs() }),
    wallMs: () => Date.now(),
  });
  const { modelFile, model } = eyeModel(installed.active(eyeModelId));
  const session = await openSession(modelFile);
  try {
    const { taught, used, leftOut } = await learnFrom(gathered, session);
    const [first] = used;
    const refused = [...gathered.refused, ...leftOut];
    const { version, ...about } = keepStyle(
      config.dataDir,
      {
        machine: id,
        fabric,
        taughtMs: Date.now(),
        model,
        images: used.length,
        widthPx: first?.image.width ?? 0,
        heightPx: first?.image.height ?? 0,
        threshold: taught.threshold,
        camera: gathered.reference,
      },
      writeStats(statsOf(taught, model)),
      gatewayKeys(config.dataDir).privateKey,
    );
    const shadow = shadowModel(installed);
    if (shadow !== null) await teachShadow(shadow, used, config.dataDir, about);
    const seconds = Math.round((performance.now() - startMs) / 100) / 10;
    const advice = adviceOf({ ...gathered, good: used, refused });
    const report = {
      machine: id,
      fabric,
      version,
      images: used.length,
      refused,
      threshold: taught.threshold,
      seconds,
      advice,
    };
    process.stdout.write(`${id} knows ${fabric} (version ${version}) from ${used.length} pictures, in ${seconds} s\n`);
    for (const line of advice) process.stdout.write(`${line}\n`);
    if (values.json !== undefined) writeJsonFile(values.json, { ok: true, ...report });
    return 0;
  } catch (error) {
    if (!(error instanceof Error && 'entry' in error)) throw error;
    process.stderr.write(`${error.message}\n`);
    for (const line of adviceOf(gathered)) process.stderr.write(`${line}\n`);
    if (values.json !== undefined) {
      const advice = adviceOf(gathered);
      writeJsonFile(values.json, {
        ok: false,
        machine: id,
        fabric,
        images: gathered.good.length,
        refused: gathered.refused,
        message: error.message,
        advice,
      });
    }
    return 1;
  } finally {
    await session.close();
  }
}

/** What is taught belongs to one model: the one in the shadow is shown the same cloth. */
async function teachShadow(
  { modelFile, model }: EyeModel,
  good: Gathered['good'],
  dataDir: string,
  about: Parameters<typeof keepStyle>[1],
): Promise<void> {
  const session = await openSession(modelFile);
  try {
    const images = good.map(({ image }) => image);
    const taught = await teach(images, session);
    const stats = writeStats(statsOf(taught, model));
    keepStyle(dataDir, { ...about, model, threshold: taught.threshold }, stats, gatewayKeys(dataDir).privateKey);
  } finally {
    await session.close();
  }
}

function imagesOf(text: string): number {
  const images = Number(text);
  if (Number.isInteger(images) && images >= leastImages && images <= mostImages) return images;
  throw new AgentError('usage', `--images: ${leastImages} to ${mostImages}`);
}

/** What would make it better, for people. */
function adviceOf({ good, refused, reference }: Gathered): string[] {
  const advice: string[] = [];
  if (reference === null)
    advice.push('Too few pictures to keep how the camera stands: that it was moved or lost focus will not be told.');
  if (good.length < wantedImages)
    advice.push(
      `Show more good cloth: ${good.length} pictures were learned from, ${wantedImages} make a threshold that holds.`,
    );
  if (good.length > 0 && good.every(({ measure }) => measure.pitchPx === null && measure.sharpness < leastSharpness))
    advice.push('No picture shows single wales or threads. Focus the camera on them, and teach again.');
  for (const { image, reason } of refused.slice(0, mostNamed)) advice.push(`Not learned from ${image}: ${reason}`);
  if (refused.length > mostNamed) advice.push(`… and from ${refused.length - mostNamed} more.`);
  return advice;
}
