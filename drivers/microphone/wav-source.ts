/** What a WAV stream means to a source, wherever its bytes come from: opened once its header is read, then sound; refused where it is not as it says. */
import { PcmDecoder } from './pcm.ts';
import { microphoneLimits } from './sound.ts';
import type { SourceHandlers } from './source.ts';
import { WavStream, type WavRefusal } from './wav-stream.ts';

export interface WavReader {
  /** Why it is of no use any more; null while it is. */
  readonly push: (bytes: Buffer) => WavRefusal | null;
  readonly end: () => WavRefusal | null;
}

/** @param wantedHz what was asked for; null takes what comes */
export function wavReader(
  handlers: Pick<SourceHandlers, 'onOpen' | 'onSound'>,
  wantedHz: number | null = null,
): WavReader {
  let decoder: PcmDecoder | null = null;
  let refusal: WavRefusal | null = null;
  const wav = new WavStream({
    onFormat: (format) => {
      if (wantedHz !== null && format.rateHz !== wantedHz) {
        const detail = `it gives ${format.rateHz} samples a second, ${wantedHz} were asked for`;
        refusal = { reason: 'format-refused', detail };
        return;
      }
      decoder = new PcmDecoder(format, microphoneLimits.keptChannels);
      handlers.onOpen(format);
    },
    onPcm: (bytes) => {
      const block = decoder?.push(bytes);
      if (block !== undefined && (block.channels[0]?.length ?? 0) > 0) handlers.onSound(block);
    },
  });
  return { push: (bytes) => wav.push(bytes) ?? refusal, end: () => wav.end() ?? refusal };
}
