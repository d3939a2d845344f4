/** `selvedge roll-map`: the faults of a roll along its metres, with the four-point score. Works beside a running agent. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { RollMap } from '../../models/vision/roll-map.ts';
import { AgentError } from '../errors.ts';
import { listRolls, mostRolls, readRoll, type RollListed, type WhichRoll } from '../rolls/read.ts';
import { mapOf, rendered, type RollFormat, rollFormats } from '../rolls/show.ts';
import { writeJsonFile } from './json-file.ts';
import { rollSource, withRolls } from './roll-journal.ts';

export const help = `Usage: selvedge roll-map WHERE --machine M [--roll ID | --last N] --out FILE [--json FILE]
       selvedge roll-map WHERE --machine M --list [--json FILE]

Every fault of a roll along its metres, what was not looked at, and the score after ASTM D5430 (docs/EYE.md).

  WHERE        --config FILE (its dataDir, and the limits of eye.score) or --data-dir DIR (no grade then)
  --machine M  the machine that made it
  --roll ID    which roll, by its id or number
  --last N     or by its age: 1, the default, is the one on the machine
  --out FILE   a picture, a table or data, by its ending: .png, .svg, .csv or .json
  --list       the rolls of the machine, the newest ${mostRolls}
  --endpoints FILE  as selvedge run takes it
  --json FILE  also write {machine, roll, map}, or {machine, rolls}

Exit code: 0 good, 1 there is no such roll, 2 usage or a folder that cannot be used.
`;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: text,
      endpoints: text,
      'data-dir': text,
      machine: text,
      roll: text,
      last: text,
      out: text,
      list: { type: 'boolean', default: false },
      json: text,
    },
  });
  const { out, list, json } = values;
  const { dataDir, machine, options } = await rollSource(values);
  if (list) {
    if (out !== undefined || values.roll !== undefined || values.last !== undefined) {
      throw new AgentError('usage', '--list goes without --out, --roll and --last');
    }
    const rolls = withRolls(dataDir, (events) => listRolls(events, machine));
    process.stdout.write(rolls.length === 0 ? `no roll of ${machine} is known\n` : rolls.map(lineOf).join(''));
    if (json !== undefined) writeJsonFile(json, { machine, rolls });
    return 0;
  }
  if (out === undefined) throw new AgentError('usage', '--out FILE is missing');
  const format = formatOf(out);
  const which = whichOf(values.roll, values.last);
  const read = withRolls(dataDir, (events) => readRoll(events, machine, which));
  if (read === null) {
    process.stderr.write(`${printable(machine)} has no such roll; --list shows those it has\n`);
    return 1;
  }
  const map = mapOf(read, options);
  const bytes = await rendered(map, format);
  try {
    writeFileSync(out, bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('fileUnwritable', `--out ${out}: ${why}`, { cause: error });
  }
  process.stdout.write(`${lineOf(read.listed)}${scoreOf(map)}`);
  if (json !== undefined) writeJsonFile(json, { machine, roll: read.listed, map });
  return 0;
}

function formatOf(file: string): RollFormat {
  const format = rollFormats.find((known) => file.toLowerCase().endsWith(`.${known}`));
  if (format === undefined) throw new AgentError('usage', `--out: a file that ends in .${rollFormats.join(', .')}`);
  return format;
}

function whichOf(roll: string | undefined, last: string | undefined): WhichRoll {
  if (roll !== undefined && last !== undefined) throw new AgentError('usage', 'give either --roll ID or --last N');
  if (roll !== undefined) return { id: roll };
  const count = Number(last ?? 1);
  if (!Number.isInteger(count) || count < 1 || count > mostRolls) {
    throw new AgentError('usage', `--last takes a number from 1 to ${mostRolls}`);
  }
  return { last: count };
}

/** Ids come from people and files: no control character of theirs reaches the terminal. */
const printable = (text: string) => text.replaceAll(/\p{C}/gu, '?');

function lineOf({ number, id, fabric, beganMs, endedMs, lengthM }: RollListed): string {
  const time = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
  const end = endedMs === null ? 'on the machine' : `until ${time(endedMs)}, ${lengthM?.toFixed(1) ?? '?'} m`;
  const name = id === String(number) ? '' : ` (number ${number})`;
  return printable(`roll ${id}${name}  ${fabric}  from ${time(beganMs)} UTC, ${end}`) + '\n';
}

function scoreOf({ roll, score, defects, dropped }: RollMap): string {
  const { pointsPer100M2, total, grade, inspectedM, isComplete } = score;
  const points = pointsPer100M2 === null ? 'no score' : `${total} points, ${pointsPer100M2.toFixed(1)} per 100 m²`;
  const graded = grade === null ? '' : `, grade ${grade}`;
  const seen = `${inspectedM.toFixed(1)} of ${(roll.lengthMm / 1000).toFixed(1)} m looked at`;
  const lost = dropped === 0 ? '' : `, ${dropped} more were not kept`;
  return `${defects.length} faults${lost}: ${points}${graded}; ${seen}${isComplete ? '' : ' (not complete)'}\n`;
}
