/** `selvedge roll begin`: says that a roll begins at a machine that does not count its rolls itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { AgentError } from '../errors.ts';
import { readRoll } from '../rolls/read.ts';
import { askForRoll, rollIdSchema, takeBack } from '../rolls/requests.ts';
import { writeJsonFile } from './json-file.ts';
import { rollSource, withRolls } from './roll-journal.ts';

export const help = `Usage: selvedge roll begin --config FILE --machine M [--id TEXT] [--json FILE]

Says that the cloth was cut: what the camera of this machine sees from now on belongs to a new roll. Not needed where the machine counts
its rolls (roll.count). A running agent does it within some seconds.

  --machine M  a machine of the configuration with a camera (eye:)
  --id TEXT    what people call the roll; absent: its number
  --endpoints FILE  as selvedge run takes it
  --json FILE  also write {ok, machine, roll:{number, id, beganMs}}; roll is null where no agent did it

Exit code: 0 it has begun, 1 no agent answered and nothing is asked any more, 2 usage or a folder that cannot be used.
`;

const withinMs = 5_000;
const lookEveryMs = 200;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { config: text, endpoints: text, machine: text, id: text, json: text },
  });
  const { config, machine, id, json } = values;
  if (positionals.join() !== 'begin' || config === undefined || machine === undefined) {
    throw new AgentError('usage', 'roll takes the word begin, --config and --machine');
  }
  const name = id === undefined ? null : (rollIdSchema.safeParse(id).data ?? null);
  if (id !== undefined && name === null) {
    throw new AgentError('usage', '--id: 1 to 60 letters, figures and signs');
  }
  const { dataDir } = await rollSource(values);
  const newest = () => withRolls(dataDir, (events) => readRoll(events, machine, { last: 1 })?.listed ?? null);
  const before = newest()?.number ?? 0;
  const begun = () => {
    const roll = newest();
    return roll !== null && roll.number > before && roll.why === 'asked' ? roll : null;
  };
  await askForRoll(dataDir, machine, name);
  let roll = await until(begun, withinMs);
  // Cloth that is made until an agent runs would belong to the wrong roll. Taken at the last moment, it is still to be told.
  if (roll === null && !(await takeBack(dataDir, machine))) roll = await until(begun, withinMs);
  if (roll === null) {
    process.stderr.write(`no agent answered on ${dataDir}: nothing has begun\n`);
    if (json !== undefined) writeJsonFile(json, { ok: false, machine, roll: null });
    return 1;
  }
  const { number, beganMs } = roll;
  process.stdout.write(`roll ${roll.id} of ${machine} has begun\n`);
  if (json !== undefined) writeJsonFile(json, { ok: true, machine, roll: { number, id: roll.id, beganMs } });
  return 0;
}

async function until<T>(look: () => T | null, ms: number): Promise<T | null> {
  for (let waitedMs = 0; waitedMs < ms; waitedMs += lookEveryMs) {
    await delay(lookEveryMs);
    const seen = look();
    if (seen !== null) return seen;
  }
  return null;
}
