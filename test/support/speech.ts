/** Speech of a synthesiser, so that no real person is heard in a test. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resample } from '../../models/voiceprint/resample.ts';
import { readWav } from '../../models/voiceprint/wav.ts';

/** To be asked for with `requireProgram` of peers.ts. */
export const synthesiser = 'espeak-ng';

/** A phrase as it is said, at so many samples a second. @param voice of espeak-ng, such as `en-gb+f3` */
export function spoken(text: string, voice: string, rateHz: number, wordsAMinute = 150): Float32Array {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-speech-'));
  try {
    const file = join(dir, 'phrase.wav');
    const { status, stderr } = spawnSync(synthesiser, ['-v', voice, '-s', String(wordsAMinute), '-w', file, text]);
    if (status !== 0) throw new TypeError(`${synthesiser}: ${String(stderr)}`);
    return resample(readWav(readFileSync(file), voice), rateHz).samples;
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}
