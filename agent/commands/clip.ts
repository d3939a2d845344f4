/** `selvedge clip`: opens a clip of sound that was kept before an alert of the ear (`ear.keepClips`). */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { resolveSecret } from '../config/secrets.ts';
import { AgentError } from '../errors.ts';
import { clipKey, mostClipBytes, openClip } from '../senses/ear/clips.ts';

export const help = `Usage: selvedge clip --key REFERENCE --file CLIP --out WAV

Opens a clip of sound: the last seconds that were judged before an alert, as ear.keepClips keeps them in ear-clips/ of the data folder.

  --key REFERENCE  file:PATH or env:NAME, as ear.keepClips.key has it
  --file CLIP      the clip
  --out WAV        where the sound is written, in clear: whoever has it may hear it

Exit code: 0 opened, 2 usage, another key, or a clip that was changed.
`;

export function main(args: readonly string[]): Promise<number> {
  return Promise.resolve().then(() => run(args));
}

function run(args: readonly string[]): number {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { key: text, file: text, out: text } });
  const { key, file, out } = values;
  if (key === undefined || file === undefined || out === undefined) {
    throw new AgentError('usage', 'clip takes --key, --file and --out');
  }
  const reference = /^(?:file:.+|env:.+)$/.test(key) ? (key as `file:${string}`) : null;
  if (reference === null) throw new AgentError('usage', '--key takes file:PATH or env:NAME');
  const { machine, atMs, rateHz, pcm } = openClip(read(file), clipKey(resolveSecret(reference)));
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + pcm.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  for (const [at, value] of [
    [16, 16],
    [24, rateHz],
    [28, 2 * rateHz],
    [40, pcm.length],
  ] as const) {
    head.writeUInt32LE(value, at);
  }
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const) {
    head.writeUInt16LE(value, at);
  }
  head.write('data', 36, 'latin1');
  try {
    writeFileSync(out, Buffer.concat([head, pcm]), { mode: 0o600 });
  } catch (error) {
    throw new AgentError('fileUnwritable', error instanceof Error ? error.message : String(error), { cause: error });
  }
  process.stdout.write(`${machine}, ${new Date(atMs).toISOString()}: ${out}\n`);
  return 0;
}

function read(file: string): Buffer {
  try {
    if (statSync(file).size > mostClipBytes) throw new AgentError('clipUnreadable', `${file} is too long`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError('fileUnreadable', file, { cause: error });
  }
}
