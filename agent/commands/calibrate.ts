/** `selvedge calibrate camera`: which needle stands in the middle of the picture. Works beside a running agent, which uses it within seconds. */
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { runGolden } from '../../models/package/golden.ts';
import { openSession } from '../../models/runtime.ts';
import { type Calibrated, numberingOf } from '../../models/vision/calibration.ts';
import { readStats } from '../../models/stats-file.ts';
import { taughtOf } from '../../models/vision/taught-file.ts';
import type { EyeConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { InstalledModels } from '../models/installed.ts';
import { trustedKeys } from '../models/trust.ts';
import { type Calibration, differing, keepCalibration, readCalibration, settingOf } from '../senses/calibrations.ts';
import { type Looked, lookForLine } from '../senses/calibrating.ts';
import { machineOf } from '../senses/eye/told.ts';
import { eyeModel, eyeModelId } from '../senses/eye/model.ts';
import { styleFor } from '../senses/styles.ts';
import { gatewayKeys } from '../sync/keys.ts';
import { hostBoot, hostMonotonicMs } from '../time/host.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge calibrate camera --config FILE --machine M --needle-zero N [--from camera|DIR] [--revolutions N] [--dry-run] [--json FILE]
       selvedge calibrate camera --config FILE --machine M --show [--json FILE]

Finds the needle zero of a camera, so that the eye can name needles. Take needle N out (or feed it a coloured yarn, or cut its yarn), let
the machine knit until the line is in view, and call this: it looks at the line for some revolutions. The result is kept in the data
folder, signed with the gateway's key; a running agent uses it within some seconds. The configuration is not touched.

  --machine M       a machine of the configuration with a camera (eye:) whose cloth was taught, position index or encoder
  --needle-zero N   the number of the needle whose line is in the cloth, as the machine counts
  --from camera     the machine's camera (default); or --from DIR, a folder of its pictures in their order, with position index: their times
                    are those of the files
  --revolutions N   see the line in so many revolutions, 3 … 50; default 5. It is given up after four times as many, or 5 minutes
  --dry-run         say what comes out and keep nothing
  --show            the calibration the eye uses now
  --endpoints FILE  as selvedge run takes it
  --json FILE       also write {ok, machine, needleZero, zeroNeedle, zeroError, direction, columns, numberingKnown, revolutions,
                    offsetMs, version, by, calibratedMs, before}; of what was refused {ok: false, machine, code, message, cure}

zeroNeedle is the needle in the middle of the picture at turn 0, zeroError its ± bound in needles, direction the way the cloth runs (1:
needles of rising number pass as the machine turns; null: it could not be seen, eye.rising is taken), offsetMs what lies between the clocks of
angle and picture: 0, because mark or count come with the picture. Whether numbers rise to the right or the left in the picture one needle
cannot say: calibrate a second time with another needle, and it is known.

Exit code: 0 calibrated, 1 refused, 2 wrong usage or a folder that cannot be used.
`;

const withinMs = 300_000;
const [leastRevolutions, usualRevolutions, mostRevolutions] = [3, 5, 50];
/** Two calibrations agree where they differ by no more than this beside their bounds, needles. */
const slackNeedles = 2;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: text,
      endpoints: text,
      machine: text,
      'needle-zero': text,
      from: { type: 'string', default: 'camera' },
      revolutions: { type: 'string', default: String(usualRevolutions) },
      'dry-run': flag,
      show: flag,
      json: text,
    },
  });
  const { config: configFile, endpoints, machine, show } = values;
  if (positionals.join() !== 'camera' || configFile === undefined || machine === undefined) {
    throw new AgentError('usage', 'calibrate takes the word camera, --config and --machine');
  }
  if (show !== (values['needle-zero'] === undefined)) {
    throw new AgentError('usage', 'give either --needle-zero N or --show');
  }
  const config = loadConfig(configFile, endpoints === undefined ? {} : { endpoints });
  const eye = config.machines.find(({ id }) => id === machine)?.eye ?? null;
  if (eye === null) throw new AgentError('usage', `--machine: ${machine} has no camera (eye:) in ${configFile}`);
  const { dataDir } = config;
  const tell = (report: object): void => {
    if (values.json !== undefined) writeJsonFile(values.json, report);
  };
  if (show) return showNow(dataDir, machine, eye, tell);
  const needle = needleOf(values['needle-zero'] ?? '', eye);
  const revolutions = revolutionsOf(values.revolutions);
  try {
    if (eye.position === 'telemetry') throw new AgentError('calibrationNeedsAngle', `${machine}: position telemetry`);
    if (eye.needleZero !== null && !values['dry-run']) {
      throw new AgentError('calibrationFixed', `${machine}: eye.needleZero is ${eye.needleZero}`);
    }
    const keys = gatewayKeys(dataDir);
    const installed = new InstalledModels({
      dataDir,
      trusted: trustedKeys(dataDir, config.models.siteKeys),
      golden: runGolden,
      now: () => ({ boot: hostBoot(), monotonicMs: hostMonotonicMs() }),
      wallMs: () => Date.now(),
    });
    const { modelFile, model } = eyeModel(installed.active(eyeModelId));
    const style = styleFor(dataDir, machine, eye.fabric, keys.publicKey, model);
    const endpoint = values.from === 'camera' ? eye.camera : pathToFileURL(resolve(values.from)).href;
    const session = await openSession(modelFile);
    let looked: Looked;
    try {
      looked = await lookForLine({
        machine: { ...machineOf(machine, eye, style, null), endpoint },
        knownNeedle: needle,
        revolutions,
        withinMs,
        taught: taughtOf(readStats(style.stats, model)),
        graph: session,
        onRevolutions: (seen, turned) =>
          void process.stderr.write(`${turned} revolutions, the line in ${seen} of ${revolutions}\n`),
      });
    } finally {
      await session.close();
    }
    const found = mustBeZero(looked, revolutions);
    const before = earlier(dataDir, machine, keys.publicKey);
    const made = calibrationOf(machine, eye, needle, looked.widthPx ?? 0, found, before);
    const kept = values['dry-run'] ? null : keepCalibration(dataDir, made, keys.privateKey);
    tell({ ok: true, ...reportOf({ ...made, version: kept?.version ?? null }, found.direction, before) });
    for (const line of saidOf(made, found.direction, before)) process.stdout.write(`${line}\n`);
    process.stdout.write(kept === null ? 'nothing was kept (--dry-run)\n' : `kept as version ${kept.version}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Error && 'entry' in error)) throw error;
    const { code, cure } = error.entry as { readonly code: string; readonly cure: string };
    process.stderr.write(`${error.message} — do: ${cure}\n`);
    tell({ ok: false, machine, needleZero: needle, code, message: error.message, cure });
    return 1;
  }
}

function mustBeZero(
  { found, placed, pictures, turned }: Looked,
  revolutions: number,
): Extract<Calibrated, { kind: 'zero' }> {
  if (placed === 0 || turned < 1) {
    throw new AgentError(
      'calibrationNeedsAngle',
      `${placed} of ${pictures} pictures had an angle, over ${turned.toFixed(1)} revolutions`,
    );
  }
  const after = `in ${turned.toFixed(0)} revolutions`;
  switch (found.kind) {
    case 'zero':
      return found;
    case 'no-line':
      throw new AgentError(
        'calibrationNoLine',
        `a line was seen in ${found.revolutions} of the ${revolutions} wanted, ${after}`,
      );
    case 'several-lines':
      throw new AgentError('calibrationManyLines', `${found.lines} lines were seen ${after}`);
    case 'uncertain':
      throw new AgentError('calibrationUncertain', `needle ± ${found.k} alone from the zero`);
  }
}

type Made = Omit<Calibration, 'v' | 'kind' | 'version'>;

/** The calibration that counted until now, where it can be read. */
function earlier(
  dataDir: string,
  machine: string,
  publicKey: Parameters<typeof readCalibration>[2],
): Calibration | null {
  try {
    return readCalibration(dataDir, machine, publicKey);
  } catch {
    return null;
  }
}

function calibrationOf(
  machine: string,
  eye: EyeConfig,
  needle: number,
  widthPx: number,
  found: Extract<Calibrated, { kind: 'zero' }>,
  before: Calibration | null,
): Made {
  const setting = settingOf(eye, widthPx);
  if (setting === null) throw new AgentError('calibrationNeedsAngle', `${machine}: position ${eye.position}`);
  const direction = found.direction ?? (eye.rising ? 1 : -1);
  const asSaid = { columns: 1, zeroNeedle: found.zeroNeedle, direction } as const;
  const isSame = before !== null && differing(before.setting, setting) === null;
  const numbering = isSame ? againstEarlier(eye, before, needle, asSaid, found.zeroError) : null;
  const known = isSame && before.isNumberingKnown;
  // What two needles have shown stays known while nothing is changed, also when one of them is calibrated again.
  const turned = known && before.columns === -1 ? mirrored(eye, needle, asSaid) : asSaid;
  return {
    machine,
    calibratedMs: Date.now(),
    by: userName(),
    needle,
    ...(numbering ?? turned),
    zeroError: found.zeroError,
    isNumberingKnown: numbering !== null || known,
    revolutions: found.revolutions,
    setting,
  };
}

/** Of the computer; its number where it has no name, as in a container. */
function userName(): string {
  try {
    return userInfo().username.slice(0, 80);
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}

type Numbered = Pick<Calibration, 'columns' | 'zeroNeedle' | 'direction'>;

function againstEarlier(
  eye: EyeConfig,
  before: Calibration,
  needle: number,
  now: Numbered,
  zeroError: number,
): Numbered | null {
  const first = before.columns === 1 ? before : { needle: before.needle, ...mirrored(eye, before.needle, before) };
  const tolerance = before.zeroError + zeroError + slackNeedles;
  return numberingOf(eye, first, { needle, zeroNeedle: now.zeroNeedle, direction: now.direction }, tolerance);
}

/** The same picture with needle numbers that rise the other way. */
function mirrored(
  { needles, firstNeedle }: EyeConfig,
  needle: number,
  { columns, zeroNeedle, direction }: Numbered,
): Numbered {
  const off = 2 * needle - zeroNeedle - firstNeedle;
  return {
    columns: columns === 1 ? -1 : 1,
    zeroNeedle: firstNeedle + (off - needles * Math.floor(off / needles)),
    direction: direction === 1 ? -1 : 1,
  };
}

function reportOf(
  made: Made & { readonly version: number | null },
  direction: 1 | -1 | null,
  before: Calibration | null,
): object {
  const { machine, needle, zeroNeedle, zeroError, columns, isNumberingKnown, revolutions } = made;
  return {
    machine,
    needleZero: needle,
    zeroNeedle,
    zeroError,
    direction: direction === null ? null : made.direction,
    columns,
    numberingKnown: isNumberingKnown,
    revolutions,
    offsetMs: 0,
    version: made.version,
    by: made.by,
    calibratedMs: made.calibratedMs,
    before: before === null ? null : { version: before.version, needle: before.needle, zeroNeedle: before.zeroNeedle },
  };
}

function saidOf(made: Made, direction: 1 | -1 | null, before: Calibration | null): string[] {
  const { machine, needle, zeroNeedle, zeroError, revolutions } = made;
  const lines = [
    `${machine}: needle ${needle} was seen in ${revolutions} revolutions; at turn 0 the middle of the picture shows needle ${zeroNeedle.toFixed(1)} ± ${zeroError.toFixed(1)}`,
  ];
  if (direction === null) lines.push('The way the cloth runs could not be seen: eye.rising is taken as it is.');
  if (!made.isNumberingKnown)
    lines.push(
      'Needle numbers are taken to rise to the right of the picture. Calibrate again with another needle, far from this one, to be sure.',
    );
  else if (before !== null && !before.isNumberingKnown)
    lines.push(`Two needles show it: numbers rise to the ${made.columns === 1 ? 'right' : 'left'} of the picture.`);
  return lines;
}

function showNow(dataDir: string, machine: string, eye: EyeConfig, tell: (report: object) => void): number {
  const found = readCalibration(dataDir, machine, gatewayKeys(dataDir).publicKey);
  if (eye.needleZero !== null) {
    process.stdout.write(`${machine}: the configuration says needle ${eye.needleZero}, and that counts\n`);
    if (found === null) {
      tell({ ok: true, machine, configured: eye.needleZero });
      return 0;
    }
  }
  if (found === null) {
    process.stdout.write(`${machine} was not calibrated: no needle is named\n`);
    tell({ ok: false, machine });
    return 1;
  }
  const other = differing(found.setting, settingOf(eye, found.setting.widthPx));
  process.stdout.write(
    `${machine}: version ${found.version} of ${new Date(found.calibratedMs).toISOString()} by ${found.by}: needle ${found.needle}, zero ${found.zeroNeedle.toFixed(1)} ± ${found.zeroError.toFixed(1)}, numbers rise to the ${found.columns === 1 ? 'right' : 'left'}${found.isNumberingKnown ? '' : ' (assumed)'}\n`,
  );
  if (other !== null) process.stdout.write(`It does not count: it was made with another ${other}.\n`);
  tell({ ok: other === null, ...reportOf(found, found.direction, null), configured: eye.needleZero, differs: other });
  return other === null ? 0 : 1;
}

function needleOf(text: string, { needles, firstNeedle }: EyeConfig): number {
  const needle = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (needle >= firstNeedle && needle < firstNeedle + needles) return needle;
  throw new AgentError('usage', `--needle-zero: a needle from ${firstNeedle} to ${firstNeedle + needles - 1}`);
}

function revolutionsOf(text: string): number {
  const revolutions = Number(text);
  if (Number.isInteger(revolutions) && revolutions >= leastRevolutions && revolutions <= mostRevolutions) {
    return revolutions;
  }
  throw new AgentError('usage', `--revolutions: ${leastRevolutions} to ${mostRevolutions}`);
}
