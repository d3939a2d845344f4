/** A person's browser on the agent's page: signs in, follows the stream, looks something up now and then, and closes the tab. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Browser {
  /** How often it opened the stream, and how many bytes came. */
  readonly opened: number;
  readonly bytes: number;
  /** Resolves when nothing of it is left. */
  stop(): Promise<void>;
}

export interface BrowserOptions {
  /** Where the page is. */
  readonly url: string;
  readonly name: string;
  readonly password: string;
  /** How long a tab is open. */
  readonly tabMs: number;
}

const lookUps = ['/', '/api/machines', '/api/alerts', '/api/health', '/api/summaries'];
const lookEveryMs = 2000;

export function openBrowser({ url, name, password, tabMs }: BrowserOptions): Browser {
  const closed = new AbortController();
  const counts = { opened: 0, bytes: 0 };

  async function tab(cookie: string): Promise<void> {
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(tabMs)]);
    const stream = await fetch(`${url}/api/stream`, { headers: { cookie }, signal });
    if (!stream.ok) throw new TypeError(`the stream answers ${stream.status}`);
    counts.opened += 1;
    for await (const chunk of stream.body ?? []) counts.bytes += chunk.length;
  }

  async function look(cookie: string): Promise<void> {
    for (let n = 0; !closed.signal.aborted; n += 1) {
      const path = lookUps[n % lookUps.length] ?? '/';
      await fetch(url + path, { headers: { cookie }, signal: closed.signal }).then((answer) => answer.arrayBuffer());
      await delay(lookEveryMs, undefined, { signal: closed.signal });
    }
  }

  async function use(): Promise<void> {
    const answer = await fetch(`${url}/api/session/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, password }),
      signal: closed.signal,
    });
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    await answer.arrayBuffer();
    const looking = look(cookie).catch(() => undefined);
    // A tab ends by an abort, or with the agent; the next one is opened anew.
    while (!closed.signal.aborted) await tab(cookie).catch(() => delay(500));
    await looking;
  }

  const used = use().catch(() => undefined);
  return {
    get opened() {
      return counts.opened;
    },
    get bytes() {
      return counts.bytes;
    },
    async stop() {
      closed.abort();
      await used;
    },
  };
}
