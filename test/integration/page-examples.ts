/** The examples of the pages on drivers, as a reader would copy them: the files of a page, its machines, and what it says is read. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../agent/config/load.ts';
import { profileCatalogue } from '../../agent/config/profiles.ts';
import type { WatchedMachine } from '../../agent/sources.ts';
import { interpret } from '../../drivers/profiles/interpret.ts';
import type { EventLog } from '../contract/driver.ts';

/** Writes the files that stand in the page into `dir`, and says their names. */
export function copyFiles(page: string, dir: string): string[] {
  mkdirSync(join(dir, 'profiles'));
  const files = [...page.matchAll(/^`([\w./-]+\.yaml)`:\n\n```yaml\n([\s\S]*?)^```$/gm)];
  for (const [, name = '', text = ''] of files) writeFileSync(join(dir, name), text);
  return files.map(([, name = '']) => name);
}

/** The machines of `agent.yaml` in `dir`, each at the endpoint it has in this test. */
export function machinesAt(dir: string, endpoints: Readonly<Record<string, string>>): WatchedMachine[] {
  const over = Object.entries(endpoints).map(([id, endpoint]) => `  - { id: ${id}, endpoint: "${endpoint}" }\n`);
  writeFileSync(join(dir, 'endpoints.yaml'), `machines:\n${over.join('')}`);
  const config = loadConfig(join(dir, 'agent.yaml'), { endpoints: join(dir, 'endpoints.yaml') });
  const catalogue = profileCatalogue(config.profileDirs);
  return config.machines.map((machine) => {
    const profile = catalogue.find(machine.profile);
    if ('problem' in profile) assert.fail(profile.problem);
    return { config: machine, profile };
  });
}

/** A row of the table in which a page says what is read. */
export type Promised = readonly [signal: string, value: string, quality: string];

/** What the tables of `text` promise. */
export function promisedIn(text: string): Promised[] {
  return [...text.matchAll(/^\| `([a-z0-9.]+)` \| (\S+) \| (good|bad: `\S+`) \|$/gm)].map(
    ([, signal = '', value = '', quality = '']) => [signal, value, quality],
  );
}

/** The last reading of each promised signal is as promised, and the machine is in `state` by what was read. */
export function assertAsPromised(
  log: EventLog,
  { config, profile }: WatchedMachine,
  table: readonly Promised[],
  state: string,
): void {
  const values = new Map(log.readings(config.id).map((reading) => [reading.signal, reading]));
  for (const [signal, value, quality] of table) {
    const reading = values.get(signal) ?? assert.fail(signal);
    assert.equal(String(reading.value ?? '–'), value, signal);
    assert.equal(reading.quality === 'bad' ? `bad: \`${reading.reason}\`` : reading.quality, quality, signal);
  }
  const good = [...values].flatMap(([signal, { value }]) => (value === null ? [] : [[signal, value] as const]));
  assert.equal(interpret(profile, null, new Map(good))?.state, state);
}
