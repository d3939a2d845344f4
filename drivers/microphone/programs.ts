/**
 * Microphones that a program reads: arecord for sound cards, ffmpeg where there is no arecord and for all else.
 *
 * Invariants (test/unit/drivers/microphone/programs.test.ts, test/integration/microphone-programs.test.ts):
 *  - User and password are never in the arguments, which every user of the computer can read; they stand in no message either.
 *  - ffmpeg may use the protocols of this kind of address and no others, whatever a stream tells it to open.
 *  - The process ends with this one, within 2 s and however this one ends.
 *  - A sound card that gives another rate than was asked for is refused: its sound would be of another pitch.
 */
import { endGuarded, isMissing, lastLine, spawnGuarded } from '../ffmpeg-guard.ts';
import type { MicrophoneEndpoint } from './endpoint.ts';
import { PcmDecoder } from './pcm.ts';
import { microphoneLimits, type PcmFormat } from './sound.ts';
import type { Credentials, Source, SourceHandlers } from './source.ts';
import { wavReader } from './wav-source.ts';

export type ProgramEndpoint = Extract<MicrophoneEndpoint, { readonly kind: 'alsa' | 'stream' | 'pulse' | 'file' }>;

export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  /** What goes into its standard input; null: nothing. */
  readonly input: string | null;
  /** What comes out: bare samples, or a WAV file that says itself what it is. */
  readonly output:
    | { readonly kind: 'pcm'; readonly format: PcmFormat }
    | { readonly kind: 'wav'; readonly wantedHz: number | null };
}

const arecordFormats: Readonly<Partial<Record<PcmFormat['encoding'], string>>> = {
  s16le: 'S16_LE',
  s24le: 'S24_3LE',
  s32le: 'S32_LE',
  f32le: 'FLOAT_LE',
};

/** How arecord is called. Pure. */
export function arecordCall(device: string, format: PcmFormat, program = 'arecord'): ProgramCall {
  const { encoding, rateHz, channels } = format;
  const sound = ['-f', arecordFormats[encoding] ?? 'S16_LE', '-r', String(rateHz), '-c', String(channels)];
  // Bare: a WAV file of arecord ends after two gigabytes. Blocks of 20 ms, and half a second that it may be kept waiting.
  const args = ['-D', device, '-t', 'raw', ...sound, '--period-time=20000', '--buffer-time=500000'];
  return { program, args, input: null, output: { kind: 'pcm', format } };
}

/** How ffmpeg is called. Pure. */
export function ffmpegCall(
  endpoint: ProgramEndpoint,
  credentials: Credentials | null,
  program = 'ffmpeg',
): ProgramCall {
  const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin'];
  // At its own rate and with all its channels; the header says both.
  const out = ['-map', '0:a:0', '-vn', '-sn', '-dn', '-f', 'wav', '-c:a', 'pcm_f32le', '-flush_packets', '1', 'pipe:1'];
  const call = (input: readonly string[], text: string | null, wantedHz: number | null = null): ProgramCall => ({
    program,
    args: [...quiet, ...input, ...out],
    input: text,
    output: { kind: 'wav', wantedHz },
  });
  switch (endpoint.kind) {
    case 'alsa': {
      const { rateHz, channels } = endpoint.format;
      const card = ['-f', 'alsa', '-sample_rate', String(rateHz), '-channels', String(channels), '-i', endpoint.device];
      return call(card, null, rateHz);
    }
    case 'pulse':
      return call(['-f', 'pulse', '-i', endpoint.device], null);
    case 'file': {
      const loop = endpoint.isLooped ? ['-stream_loop', '-1'] : [];
      return call(['-re', ...loop, '-protocol_whitelist', 'file', '-i', `file:${endpoint.path}`], null);
    }
    case 'stream': {
      const url = new URL(endpoint.url);
      const isRtsp = url.protocol !== 'http:';
      const protocols = isRtsp ? `rtsp,rtp,tcp${url.protocol === 'rtsps:' ? ',tls,crypto' : ''}` : 'http,tcp';
      if (credentials === null) {
        const transport = isRtsp ? ['-rtsp_transport', 'tcp'] : [];
        return call(['-protocol_whitelist', protocols, ...transport, '-i', url.href], null);
      }
      url.username = encodeURIComponent(credentials.user);
      url.password = encodeURIComponent(credentials.password);
      const option = isRtsp ? 'option rtsp_transport tcp\n' : '';
      const script = `ffconcat version 1.0\nfile '${url.href.replaceAll("'", '%27')}'\n${option}`;
      const input = ['-f', 'concat', '-safe', '0', '-protocol_whitelist', `pipe,${protocols}`, '-i', 'pipe:0'];
      return call(input, script);
    }
  }
}

/** What a program said on its standard error: samples it lost, ms; or why it is of no use. Pure. */
export function saidBy(line: string): { readonly lostMs: number } | { readonly refused: string } | null {
  const lost = /^(?:overrun|underrun|xrun)!!! \(at least (\d+(?:\.\d+)?) ms long\)/.exec(line);
  if (lost !== null) return { lostMs: Number(lost[1]) };
  return /rate is not accurate/i.test(line) ? { refused: line } : null;
}

const maxSaid = 2_000;

/** @param calls the first whose program is there is used */
export function openProgram(calls: readonly ProgramCall[], handlers: SourceHandlers): Source {
  let isClosing = false;
  let current: Source | null = null;
  const open = (index: number): void => {
    const call = calls[index];
    if (call === undefined || isClosing) return;
    current = runProgram(call, {
      ...handlers,
      onClosed: (reason, detail) => {
        const next = reason === 'program-missing' && index + 1 < calls.length;
        if (next) open(index + 1);
        else handlers.onClosed(reason, detail);
      },
    });
  };
  open(0);
  return {
    close: () => {
      isClosing = true;
      return current?.close() ?? Promise.resolve();
    },
  };
}

function runProgram({ program, args, input, output }: ProgramCall, handlers: SourceHandlers): Source {
  const child = spawnGuarded('selvedge-microphone', program, args);
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  let over = false;
  let said = '';
  let line = '';
  const end = (): void => endGuarded(child);
  const finish = (reason: string, detail?: string): void => {
    if (over) return;
    over = true;
    end();
    handlers.onClosed(reason, detail);
  };
  const rateHz = output.kind === 'pcm' ? output.format.rateHz : output.wantedHz;
  const take = readerOf(output, handlers, finish);
  child.stdout.on('data', (piece: Buffer) => {
    if (!over) take(piece);
  });
  child.stderr.on('data', (piece: Buffer) => {
    const text = piece.toString('utf8');
    said = (said + text).slice(-maxSaid);
    const lines = (line + text).slice(-maxSaid).split('\n');
    line = lines.pop() ?? '';
    for (const whole of lines) {
      const what = over ? null : saidBy(whole.trim());
      if (what === null) continue;
      if ('refused' in what) finish('format-refused', lastLine(what.refused));
      else handlers.onGap(rateHz === null ? null : Math.round((what.lostMs * rateHz) / 1000), 'overrun');
    }
  });
  // It may end before it has read what it is told; the end is told by `exit`.
  for (const pipe of child.stdio) pipe?.on('error', () => undefined);
  child.once('error', (error) => {
    finish('program-missing', error.message);
    if (child.pid === undefined) setClosed();
  });
  // Whatever else holds its output open ends with it.
  child.once('exit', end);
  child.once('close', (code) => {
    if (isMissing(code)) finish('program-missing', `${program} was not found`);
    else if (code === 0) finish('ended');
    else finish(reasonOf(said), lastLine(said));
    setClosed();
  });
  child.stdin.end(input ?? '');
  return {
    close: () => {
      over = true;
      end();
      return closed;
    },
  };
}

function readerOf(
  output: ProgramCall['output'],
  handlers: SourceHandlers,
  finish: (reason: string, detail?: string) => void,
): (piece: Buffer) => void {
  if (output.kind === 'wav') {
    const reader = wavReader(handlers, output.wantedHz);
    return (piece) => {
      const refusal = reader.push(piece);
      if (refusal !== null) finish(refusal.reason, refusal.detail);
    };
  }
  const { format } = output;
  const decoder = new PcmDecoder(format, microphoneLimits.keptChannels);
  let isOpen = false;
  return (piece) => {
    if (!isOpen) handlers.onOpen(format);
    isOpen = true;
    const block = decoder.push(piece);
    if ((block.channels[0]?.length ?? 0) > 0) handlers.onSound(block);
  };
}

function reasonOf(said: string): string {
  if (/401|403|unauthorized|forbidden/i.test(said)) return 'access-denied';
  if (/permission denied/i.test(said)) return 'access-denied';
  if (/connection refused/i.test(said)) return 'connection-refused';
  if (/not on whitelist/i.test(said)) return 'protocol-refused';
  if (/device or resource busy/i.test(said)) return 'device-busy';
  if (/sample format non available|channels count non available|cannot set (sample|channel)/i.test(said)) {
    return 'format-refused';
  }
  if (/no such (file|device)|not found|cannot find card|cannot get card|unknown pcm|unknown input format/i.test(said)) {
    return 'not-there';
  }
  return 'program-ended';
}
