/** Makes what a microphone hears, in a thread of its own: nothing of it may hold up the machines beside it. */
import { parentPort, workerData } from 'node:worker_threads';
import { pcm16 } from '../dataset/wav.ts';
import { createLive, type LivePart, type LiveSite } from '../sound/live.ts';

export interface MicrophoneWork {
  readonly site: LiveSite;
  /** A second channel carries the pulse. */
  readonly pulse: boolean;
}
export type SoundOrder = LivePart;
export interface SoundPart {
  /** 16 bits, the channels in turn. */
  readonly pcm: Uint8Array;
}

const { site, pulse } = workerData as MicrophoneWork;
const live = createLive(site);
// The first message says that the machine has its voice.
parentPort?.postMessage('ready', []);
parentPort?.on('message', (order: SoundOrder) => {
  const heard = live(order);
  const part: SoundPart = { pcm: pcm16(pulse ? [heard.samples, heard.pulse] : [heard.samples]) };
  parentPort?.postMessage(part, []);
});
