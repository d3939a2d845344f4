/**
 * A file of sound of any kind that ffmpeg reads → a WAV file in memory, of its first channel, in 32-bit floats at its own rate.
 * A file comes from a recorder, a stick or a share and may be anything.
 *
 * Invariants (test/integration/sound-files.test.ts):
 *  - ffmpeg may open this one file and nothing else, whatever the file tells it to open.
 *  - No file makes more than `bytes` of sound or keeps ffmpeg running longer than `ms`, and a file that is cut short is refused.
 *  - The process ends with this one.
 */
import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DriverError } from '../errors.ts';
import { endGuarded, isMissing, spawnGuarded } from '../ffmpeg-guard.ts';

export interface DecodeOptions {
  /** Default: `ffmpeg` of the PATH. */
  readonly program?: string;
  /** Most bytes of decoded sound. */
  readonly bytes?: number;
  /** Longest time to wait for it. */
  readonly ms?: number;
}

/** Ten minutes of 96 kHz. */
const mostBytes = 600 * 96_000 * 4;
const mostMs = 60_000;
const maxSaid = 2_000;

/** How ffmpeg is called. Pure. */
export function decodeArgs(path: string): readonly string[] {
  const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-xerror', '-err_detect', 'explode'];
  const input = ['-protocol_whitelist', 'file', '-i', `file:${resolve(path)}`];
  // The first channel as it is: a mean of all would cancel what reaches two microphones in opposite phase.
  const first = ['-map', '0:a:0', '-vn', '-sn', '-dn', '-af', 'pan=mono|c0=c0'];
  return [...quiet, ...input, ...first, '-f', 'wav', '-c:a', 'pcm_f32le', '-bitexact', 'pipe:1'];
}

/**
 * @throws DriverError `soundUnreadable`, `soundDecoderMissing`, `soundDamaged`, `soundTooLarge`
 */
export async function decodeSoundFile(path: string, options: DecodeOptions = {}): Promise<Buffer> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw new DriverError('soundUnreadable', `${path}: ${textOf(error)}`, { cause: error });
  }
  const limit = options.bytes ?? mostBytes;
  const child = spawnGuarded('selvedge-sound', options.program ?? 'ffmpeg', decodeArgs(path));
  const pieces: Buffer[] = [];
  let length = 0;
  let said = '';
  const tooLarge: string[] = [];
  const giveUp = (why: string): void => {
    tooLarge.push(why);
    endGuarded(child);
  };
  const timer = setTimeout(() => giveUp('took too long to decode'), options.ms ?? mostMs);
  child.stdout.on('data', (piece: Buffer) => {
    length += piece.length;
    if (length > limit) giveUp(`is longer than ${limit} bytes of sound`);
    else pieces.push(piece);
  });
  child.stderr.on('data', (piece: Buffer) => {
    said = (said + piece.toString('utf8')).slice(-maxSaid);
  });
  for (const pipe of child.stdio) pipe?.on('error', () => undefined);
  child.stdin.end();
  try {
    const code = await new Promise<number | null>((done, fail) => {
      child.once('error', fail);
      child.once('close', done);
    });
    if (tooLarge[0] !== undefined) throw new DriverError('soundTooLarge', `${path} ${tooLarge[0]}`);
    if (isMissing(code)) throw new DriverError('soundDecoderMissing', `${path}: ffmpeg was not found`);
    // Some kinds of damage it only mentions.
    if (code !== 0 || said !== '') throw new DriverError('soundDamaged', `${path}: ${lastLine(said)}`);
    return Buffer.concat(pieces);
  } catch (error) {
    if (error instanceof DriverError) throw error;
    throw new DriverError('soundDecoderMissing', textOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
    endGuarded(child);
  }
}

const lastLine = (said: string) =>
  (said.trim().split('\n').at(-1) ?? '').replaceAll(/\p{C}/gu, '?').slice(0, 300) || 'ffmpeg gave up';

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
