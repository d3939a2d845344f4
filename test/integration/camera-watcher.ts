/** What a test has of a camera: everything it told, with waiting for what it will tell. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { TestContext } from 'node:test';
import { createCamera, type Camera, type CameraEvent, type CameraOptions } from '../../drivers/camera/camera.ts';
import type { Frame } from '../../drivers/camera/frame.ts';

export class Watched {
  readonly frames: Frame[] = [];
  readonly events: CameraEvent[] = [];
  readonly logged: string[] = [];
  readonly camera: Camera;
  readonly #news = new EventEmitter();

  constructor(
    t: TestContext,
    options: Partial<CameraOptions> & { readonly endpoint: string },
    look: (frame: Frame) => Promise<void> = () => Promise.resolve(),
  ) {
    this.camera = createCamera(
      { camera: 'c-1', backoff: { minMs: 20, maxMs: 100 }, ...options },
      {
        clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
        random: () => 0.5,
        onFrame: async (frame) => {
          this.frames.push(frame);
          this.#news.emit('news');
          await look(frame);
        },
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
    t.after(() => this.camera.stop());
  }

  /** Resolves when it holds: now, or after something it told; at the latest it is asked every 5 ms. */
  async until(what: string, holds: (watched: this) => boolean, withinMs = 10_000): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (!holds(this)) {
      if (performance.now() > endMs) {
        const told = [...this.events.slice(-4).map((event) => JSON.stringify(event)), ...this.logged.slice(-3)].join(
          '\n',
        );
        assert.fail(`not within ${withinMs} ms: ${what}; ${JSON.stringify(this.camera.counts())}\n${told}`);
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
    return this.events.flatMap((event) => (event.kind === 'health' ? [event.state] : []));
  }
}
