/** Starts a real page on a free port of loopback in a folder of its own, and speaks plain HTTP to it. */
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createPasswords } from '../../../agent/page/password.ts';
import { createPage, type Page, type PageOptions } from '../../../agent/page/page.ts';
import { createUserStore, type UserStore } from '../../../agent/page/users.ts';
import { RunbookDesk } from '../../../agent/runbooks/desk.ts';
import { createFloor, random, realClock, silentLog, type Floor } from './floor.ts';

/** Cheap on purpose: what is tested here is not how slow scrypt is. */
export const cheapPasswords = () => createPasswords(random, { n: 1024, r: 8, p: 1 });
export const goodPassword = 'twelve red bobbins';

export async function tempDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'selvedge-page-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

export interface TestPage {
  readonly page: Page;
  readonly floor: Floor;
  readonly users: UserStore;
  readonly dataDir: string;
  readonly links: string[];
  readonly port: number;
}

export async function startPage(
  t: TestContext,
  options: Partial<PageOptions> = {},
  floor = createFloor(),
): Promise<TestPage> {
  const dataDir = options.dataDir ?? (await tempDir(t));
  const users =
    options.users ??
    createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: options.clock ?? realClock });
  const links: string[] = [];
  Object.assign(floor.sources, { runbooks: new RunbookDesk({ dataDir, log: options.log ?? silentLog }) });
  const page = createPage({
    bind: '127.0.0.1',
    port: 0,
    site: () => ({ name: 'Demo factory', timeZone: 'Asia/Dhaka', gateway: 'Gateway at line 2' }),
    agentVersion: '0.0.0-test',
    webDir: null,
    sources: floor.sources,
    clock: realClock,
    random,
    log: silentLog,
    onSetupLink: (link) => links.push(link),
    stream: { intervalMs: 50, heartbeatMs: 100 },
    ...options,
    dataDir,
    users,
  });
  t.after(() => page.stop());
  await page.start(new AbortController().signal);
  return { page, floor, users, dataDir, links, port: Number(new URL(page.url ?? '').port) };
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}
export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request on a connection of its own; every header is the caller's. */
export function call(port: number, path: string, ask: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = ask.body === undefined ? null : JSON.stringify(ask.body);
    const request = http.request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: ask.method ?? 'GET',
        agent: false,
        headers: { ...(body === null ? {} : { 'content-type': 'application/json' }), ...ask.headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => {
          const isJson = response.headers['content-type']?.startsWith('application/json') === true;
          const json = isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {};
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
        // A stream never ends by itself.
        if (response.headers['content-type']?.startsWith('text/event-stream') === true) {
          request.destroy();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '', json: {} });
        }
      },
    );
    request.on('error', reject);
    request.end(body ?? undefined);
  });
}

export interface SignedIn {
  readonly cookie: string;
  readonly csrf: string;
}
/** Headers of a signed-in browser. */
export const as = (who: SignedIn, more: Record<string, string> = {}) => ({
  cookie: who.cookie,
  'x-csrf-token': who.csrf,
  ...more,
});

export async function signIn(port: number, name: string, password = goodPassword): Promise<SignedIn> {
  const answer = await call(port, '/api/session/login', { method: 'POST', body: { name, password } });
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  return { cookie, csrf: String(answer.json['csrf']) };
}

/** An event of the stream. */
export interface Received {
  readonly id: string | null;
  readonly event: string;
  readonly data: unknown;
}
export interface OpenStream {
  readonly received: Received[];
  /** The first event, past or coming, that fits. */
  next(fits: (event: Received) => boolean): Promise<Received>;
  close(): void;
  readonly ended: Promise<void>;
}

export function openStream(port: number, who: SignedIn, headers: Record<string, string> = {}): OpenStream {
  const received: Received[] = [];
  const waiting: { fits: (event: Received) => boolean; done: (event: Received) => void }[] = [];
  const over = Promise.withResolvers<void>();
  const request = http.get(
    { host: '127.0.0.1', port, path: '/api/stream', agent: false, headers: { cookie: who.cookie, ...headers } },
    (response) => {
      let rest = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        const blocks = (rest + part).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) take(block);
      });
      response.on('close', () => over.resolve());
    },
  );
  request.on('error', () => over.resolve());
  function take(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
    const data = field('data');
    if (data === null) return;
    const event = { id: field('id'), event: field('event') ?? 'message', data: JSON.parse(data) as unknown };
    received.push(event);
    for (const one of waiting.splice(0)) {
      if (one.fits(event)) one.done(event);
      else waiting.push(one);
    }
  }
  return {
    received,
    next(fits) {
      const known = received.find(fits);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((done) => waiting.push({ fits, done }));
    },
    close: () => request.destroy(),
    ended: over.promise,
  };
}
