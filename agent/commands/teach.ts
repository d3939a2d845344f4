/** `selvedge teach vision`: shows the eye some metres of good cloth. Works beside a running agent, which uses it within seconds. */
import { parseArgs } from 'node:util';
import { DriverError } from '../../drivers/errors.ts';
import { openSession } from '../../models/runtime.ts';
import { leastImages, teach } from '../../models/vision/eye.ts';
import { ModelError } from '../../models/errors.ts';
import { writeStats } from '../../models/stats-file.ts';
import { statsOf } from '../../models/vision/taught-file.ts';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { eyeModel, eyeModelId, shadowModel, type EyeModel } from '../senses/eye/model.ts';
import { fabricPattern, keepStyle } from '../senses/styles.ts';
import { lineOf, type TeachReport } from '../senses/teach-told.ts';
import { fromCamera, fromFolder, learnFrom, mostImages, type Gathered } from '../senses/teaching.ts';
import { InstalledModels } from '../models/installed.ts';
import { trustedKeys } from '../models/trust.ts';
import { runGolden } from '../../models/package/golden.ts';
import { gatewayKeys } from '../sync/keys.ts';
import { hostBoot, hostMonotonicMs } from '../time/host.ts';
import { writeJsonFile } from './json-file.ts';
import { teachVoiceprint, voiceprintHelp } from './teach-voiceprint.ts';

export const help = `Usage: selvedge teach vision --config FILE --machine M --fabric F --from camera|DIR [--images N] [--json FILE] [--progress]

Shows the eye good cloth: no faults, no labels. What it learned is kept in the data folder under this machine and fabric, signed with the
gateway's key; teaching again makes the next version, and the five newest stay. A model in the shadow is shown the same cloth. A running agent uses it within some seconds.

  --machine M    a machine of the configuration with a camera (eye:)
  --fabric F     the name of the cloth: a–z, 0–9 and -; eye.fabric says which one is on the machine
  --from camera  pictures of the machine's camera while it knits good cloth
  --from DIR     the images of a folder (PNG, JPEG, WebP): whole pictures of this camera, all of one size
  --images N     so many pictures of the camera, ${leastImages} … ${mostImages}; default 12
  --endpoints FILE  as selvedge run takes it
  --json FILE    also write {ok, machine, fabric, version, images, refused:[{image, reason}], threshold, seconds, advice:[…]}
  --progress     for programs: JSON lines on standard output in place of words, {picture, of} for every picture and {report} at the end

Exit code: 0 learned, 1 too little cloth to learn from or a camera that gives no picture, 2 wrong usage or a folder that cannot be used.
${voiceprintHelp}`;

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
    options: {
      config: text,
      endpoints: text,
      machine: text,
      fabric: text,
      from: text,
      images: text,
      samples: text,
      minutes: text,
      json: text,
      progress: { type: 'boolean' },
    },
  });
  if (positionals.join() === 'voiceprint') return teachVoiceprint(values);
  const { config: configFile, endpoints, machine: id, fabric, from } = values;
  if (positionals.join() !== 'vision' || configFile === undefined || id === undefined || from === undefined) {
    throw new AgentError(
      'usage',
      'teach takes the word vision, --config, --machine, --fabric and --from, or the word voiceprint, --config and --machine',
    );
  }
  if (fabric === undefined || !fabricPattern.test(fabric))
    throw new AgentError('usage', '--fabric: 1 to 40 of a–z, 0–9 and -');
  const config = loadConfig(configFile, endpoints === undefined ? {} : { endpoints });
  const machine = config.machines.find((one) => one.id === id);
  const eye = machine?.eye ?? machine?.webEye ?? null;
  if (eye === null) throw new AgentError('usage', `--machine: ${id} has no camera (eye:) in ${configFile}`);
  const images = imagesOf(values.images ?? String(wantedImages));
  const told = values.progress === true ? inLines() : inWords;
  const ringRowsPx = eye.position === 'index' ? eye.ringRowsPx : 0;
  const startMs = performance.now();
  if (from === 'camera') told.picture(0, images);
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
          onImage: (taken) => told.picture(taken, images),
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
    const shown = { ...gathered, good: used, refused };
    const advice = adviceOf(shown);
    const report = {
      ok: true as const,
      machine: id,
      fabric,
      version,
      images: used.length,
      refused,
      threshold: taught.threshold,
      seconds,
      advice,
    };
    told.report(report, hintsOf(shown));
    if (values.json !== undefined) writeJsonFile(values.json, report);
    return 0;
  } catch (error) {
    const known = error instanceof AgentError || error instanceof ModelError || error instanceof DriverError;
    if (!known) throw error;
    const report = {
      ok: false as const,
      machine: id,
      fabric,
      images: gathered.good.length,
      refused: gathered.refused,
      message: error.message,
      meaning: error.entry.meaning,
      cure: error.entry.cure,
      advice: adviceOf(gathered),
    };
    told.report(report, hintsOf(gathered));
    if (values.json !== undefined) writeJsonFile(values.json, report);
    return 1;
  } finally {
    await session.close();
  }
}

/** How it is told what goes on. */
interface Teller {
  readonly picture: (picture: number, of: number) => void;
  /** @param hints its advice without the pictures that were refused, which it has already */
  readonly report: (report: TeachReport, hints: readonly string[]) => void;
}

const inWords: Teller = {
  picture: (picture, of) => {
    if (picture > 0) process.stderr.write(`picture ${picture} of ${of}\n`);
  },
  report: (report) => {
    const out = report.ok ? process.stdout : process.stderr;
    out.write(
      report.ok
        ? `${report.machine} knows ${report.fabric} (version ${report.version}) from ${report.images} pictures, in ${report.seconds} s\n`
        : `${report.message}\n`,
    );
    for (const line of report.advice) out.write(`${line}\n`);
  },
};

/** For the program that started this: when that is gone, nobody waits for the cloth. */
function inLines(): Teller {
  process.stdout.on('error', () => process.exit(1));
  return {
    picture: (picture, of) => void process.stdout.write(lineOf({ picture, of })),
    report: (report, hints) => void process.stdout.write(lineOf({ report: { ...report, advice: hints } })),
  };
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
function hintsOf({ good, reference, trouble }: Gathered): string[] {
  // More cloth is no cure for a camera that gives no picture.
  if (trouble !== null) return [];
  const advice: string[] = [];
  if (reference === null)
    advice.push('Too few pictures to keep how the camera stands: that it was moved or lost focus will not be told.');
  if (good.length < wantedImages)
    advice.push(
      `Show more good cloth: ${good.length} pictures were learned from, ${wantedImages} make a threshold that holds.`,
    );
  if (good.length > 0 && good.every(({ measure }) => measure.pitchPx === null && measure.sharpness < leastSharpness))
    advice.push('No picture shows single wales or threads. Focus the camera on them, and teach again.');
  return advice;
}

/** The same, with the pictures that were refused. */
function adviceOf(gathered: Gathered): string[] {
  const { refused } = gathered;
  const named = refused.slice(0, mostNamed).map(({ image, reason }) => `Not learned from ${image}: ${reason}`);
  const more = refused.length > mostNamed ? [`… and from ${refused.length - mostNamed} more.`] : [];
  return [...hintsOf(gathered), ...named, ...more];
}
