/**
 * A file of sound, played at its own pace as a microphone would send it: WAV here, all else through ffmpeg.
 *
 * Invariants (test/integration/microphone-file.test.ts):
 *  - It is played once, or again and again without a gap; a file without a sample in it ends.
 *  - After `close` resolves the file is closed and no timer is left.
 */
import { open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { MicrophoneEndpoint } from './endpoint.ts';
import { ffmpegCall, openProgram } from './programs.ts';
import type { Source, SourceHandlers } from './source.ts';
import { wavReader } from './wav-source.ts';

type FileEndpoint = Extract<MicrophoneEndpoint, { readonly kind: 'file' }>;

const pieceBytes = 8_192;
/** Sooner than this it does not wait: timers are no finer. */
const leastWaitMs = 5;

export function openFile(endpoint: FileEndpoint, handlers: SourceHandlers, ffmpeg: string | undefined): Source {
  const over = new AbortController();
  let inner: Source | null = null;
  const finish = (reason: string, detail?: string): void => {
    if (over.signal.aborted) return;
    over.abort();
    handlers.onClosed(reason, detail);
  };
  const play = async (): Promise<void> => {
    // Never out of the call that opened it.
    await Promise.resolve();
    try {
      if (await isWavFile(endpoint.path)) return finish(...(await playWav(endpoint, handlers, over.signal)));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      return finish(code === 'EACCES' ? 'access-denied' : 'not-there', error instanceof Error ? error.message : code);
    }
    if (!over.signal.aborted) inner = openProgram([ffmpegCall(endpoint, null, ffmpeg)], handlers);
  };
  const played = play();
  return {
    close: async () => {
      over.abort();
      await played;
      await inner?.close();
    },
  };
}

async function isWavFile(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(12), 0, 12, 0);
  return bytesRead === 12 && buffer.toString('latin1', 0, 4) === 'RIFF' && buffer.toString('latin1', 8, 12) === 'WAVE';
}

/** @returns why it ended, with a detail where there is one */
async function playWav(
  { path, isLooped }: FileEndpoint,
  handlers: SourceHandlers,
  signal: AbortSignal,
): Promise<[string, string?]> {
  await using file = await open(path);
  const startedMs = performance.now();
  let rateHz: number | null = null;
  let played = 0;
  const readerOfRound = () =>
    wavReader({
      onOpen: (format) => {
        if (rateHz === null && !signal.aborted) handlers.onOpen(format);
        rateHz = format.rateHz;
      },
      onSound: (block) => {
        played += block.channels[0]?.length ?? 0;
        if (!signal.aborted) handlers.onSound(block);
      },
    });
  for (;;) {
    const before = played;
    const reader = readerOfRound();
    for (let at = 0; ;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytes), 0, pieceBytes, at);
      if (signal.aborted) return ['stopped'];
      if (bytesRead === 0) break;
      at += bytesRead;
      const refusal = reader.push(buffer.subarray(0, bytesRead));
      if (refusal !== null) return [refusal.reason, refusal.detail];
      const aheadMs = (played * 1000) / (rateHz ?? Infinity) - (performance.now() - startedMs);
      if (aheadMs >= leastWaitMs) await wait(aheadMs, undefined, { signal }).catch(() => undefined);
    }
    const refusal = reader.end();
    if (refusal !== null) return [refusal.reason, refusal.detail];
    if (played === before) return ['no-sound'];
    if (!isLooped) return ['ended'];
  }
}
