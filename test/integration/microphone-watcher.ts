/** What a test has of a microphone: everything it told, with waiting for what it will tell; and ffmpeg as a microphone. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { TestContext } from 'node:test';
import { createMicrophone, type Microphone } from '../../drivers/microphone/microphone.ts';
import type { MicrophoneEvent, MicrophoneOptions } from '../../drivers/microphone/ports.ts';

export class Listening {
  readonly events: MicrophoneEvent[] = [];
  readonly logged: string[] = [];
  readonly pulses: number[] = [];
  readonly microphone: Microphone;
  endSample = 0;
  readonly #news = new EventEmitter();

  constructor(t: TestContext, options: Partial<MicrophoneOptions> & { readonly endpoint: string }) {
    this.microphone = createMicrophone(
      { microphone: 'm-1', backoff: { minMs: 20, maxMs: 100 }, ...options },
      {
        clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
        random: () => 0.5,
        onSound: (endSample) => {
          this.endSample = endSample;
          this.#news.emit('news');
        },
        onPulse: (atSample) => this.pulses.push(atSample),
        onEvent: (event) => {
          this.events.push(event);
          this.#news.emit('news');
        },
        log: (_level, message, fields) => {
          this.logged.push(`${message} ${JSON.stringify(fields)}`);
          this.#news.emit('news');
        },
      },
    );
    t.after(() => this.microphone.stop());
  }

  start(): Promise<void> {
    return this.microphone.start(new AbortController().signal);
  }

  /** Resolves when it holds: now, or after something it told; at the latest it is asked every 5 ms. */
  async until(what: string, holds: (listening: this) => boolean, withinMs = 15_000): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (!holds(this)) {
      if (performance.now() > endMs) {
        const told = [...this.events.slice(-4).map((event) => JSON.stringify(event)), ...this.logged.slice(-3)];
        const counts = JSON.stringify(this.microphone.counts());
        assert.fail(`not within ${withinMs} ms: ${what}; ${counts}\n${told.join('\n')}`);
      }
      await once(this.#news, 'news', { signal: AbortSignal.timeout(5) }).catch(() => undefined);
    }
  }

  links(): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'link' ? [`${event.up ? 'up' : 'down'} ${event.reason}`] : [],
    );
  }
  states(): string[] {
    return this.events.flatMap((event) => (event.kind === 'health' ? [event.verdict.kind] : []));
  }
  gaps(): string[] {
    return this.events.flatMap((event) => (event.kind === 'gap' ? [event.gap.why] : []));
  }

  /** So many samples of a channel, the last ones. */
  last(count: number, channel = 0): Float32Array {
    const window = this.microphone.read(channel, this.endSample - count, this.endSample);
    assert.ok(window?.kind === 'samples', JSON.stringify(window));
    return window.samples;
  }
}

/** Frequency of a sine: periods between its first and its last way up through nothing, by lines between samples. */
export function frequencyOf(samples: Float32Array, rateHz: number): number {
  let first: number | null = null;
  let last = 0;
  let count = -1;
  for (let i = 1; i < samples.length; i += 1) {
    const [a = 0, b = 0] = [samples[i - 1], samples[i]];
    if (a >= 0 || b < 0) continue;
    last = i - 1 + a / (a - b);
    first ??= last;
    count += 1;
  }
  return (count * rateHz) / (last - (first ?? 0));
}

export const rateHz = 48_000;
export const second = rateHz;
export const sine = (hz: number, rate = rateHz) => `sine=frequency=${hz}:sample_rate=${rate}`;

/** ffmpeg as a microphone, at the pace of one. */
export function sender(t: TestContext, source: string, out: readonly string[]): ChildProcess {
  const args = ['-loglevel', 'error', '-re', '-f', 'lavfi', '-i', source, ...out];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

export async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

export const close = (a: number, b: number, by: number) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b} ± ${by}`);
