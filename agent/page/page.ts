/**
 * The local page: starts and stops its server, and decides where it listens.
 *
 *  P1  While there is no admin the page listens on loopback only, whatever is configured, and offers only set-up.
 *  P2  Off loopback the page speaks HTTPS or does not start.
 *  P3  The set-up link goes to the callback alone: never to a log, a file or a request.
 *  P4  A page that waits for its first certificate does so on loopback, and moves to its address when it gets one.
 *  P5  An address that is not there keeps it on loopback, and it looks again: never is there no page, and never no agent for it.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Server as TlsServer } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { actsFile, createActs, type ActsAnchor } from './acts.ts';
import { loadAssets } from './assets.ts';
import { isLoopback } from './guard.ts';
import { createLimiter } from './limiter.ts';
import { createServer, tlsOptions } from './server.ts';
import { createSessions, type Lifetime } from './sessions.ts';
import type { PageClock, PageLog, PageSources, RandomBytes, SiteView } from './source.ts';
import { createStream, type StreamCounts, type StreamSettings } from './stream.ts';
import { createTablets } from './tablets.ts';
import type { Role, UserStore } from './users.ts';

/** PEM. */
export interface PageCertificate {
  readonly keyPem: string;
  readonly certPem: string;
}

export interface PageOptions {
  /** Address to listen on: 127.0.0.1, ::1, 0.0.0.0, … */
  readonly bind: string;
  /** 0: any free port. */
  readonly port: number;
  /** Needed off loopback. `waits`: there is none yet, and `useCertificate` will bring one. */
  readonly tls?: PageCertificate | 'waits';
  /** Names this gateway may be called by in a browser, besides its addresses; the first stands in `url` off loopback. */
  readonly hostNames?: readonly string[];
  /** As it is now: both may change while the page runs. */
  readonly site: () => SiteView;
  readonly agentVersion: string;
  readonly dataDir: string;
  /** Folder of the built web application (`ensurePageBuilt()`); null: the API alone. */
  readonly webDir: string | null;
  readonly sources: PageSources;
  readonly users: UserStore;
  readonly clock: PageClock;
  readonly random: RandomBytes;
  readonly log: PageLog;
  /** Gets the one-time link while there is no admin; print it to the terminal and nowhere else. */
  readonly onSetupLink: (link: string) => void;
  readonly stream?: Partial<StreamSettings>;
  readonly sessionLifetimes?: Readonly<Record<Role, Lifetime>>;
  /** Where the newest line of what was done is known beside its file; absent: nowhere. */
  readonly actsAnchor?: ActsAnchor;
  /** P5: absent: 30 s. */
  readonly lookAgainMs?: number;
}

export interface Page {
  /** Resolves when the page listens. Rejects with an AgentError (address in use, users file damaged, …). */
  start(signal: AbortSignal): Promise<void>;
  /** Ends every connection and saves the sessions. May be called twice. */
  stop(): Promise<void>;
  /** Where the page is, such as http://127.0.0.1:8080; null while it is stopped. */
  readonly url: string | null;
  /** An alert has changed: open pages see it within some 20 ms instead of at the next look (≤ 1 s). */
  poke(): void;
  /** New connections get this certificate from now on; a page that waits for it goes to its address. Never rejects. */
  useCertificate(certificate: PageCertificate): Promise<void>;
  counts(): StreamCounts;
}

/** File beside the users that tells `selvedge user setup-link` where the page is. */
export const addressFile = 'page-address.json';

/** Some 40 tabs with all their connections; more is a flood. */
const maxConnections = 256;

/** How often a page that is on loopback for want of something looks whether it is there. */
const defaultLookAgainMs = 30_000;
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const hostText = (address: string) => (address.includes(':') ? `[${address}]` : address);
/** What to type on the gateway itself: an address that means every address is none to go to. */
const shownHost = (address: string) => (address === '0.0.0.0' || address === '::' ? 'localhost' : hostText(address));
const loopback = '127.0.0.1';
const isLoopbackBind = (bind: string) => bind === 'localhost' || isLoopback(bind);

/** Listens to nothing before `start`. */
export function createPage(options: PageOptions): Page {
  const { bind, users, clock, random, log, dataDir, lookAgainMs = defaultLookAgainMs } = options;
  const sessions = createSessions({
    file: join(dataDir, 'sessions.json'),
    clock,
    random,
    log,
    ...(options.sessionLifetimes === undefined ? {} : { lifetimes: options.sessionLifetimes }),
  });
  const tablets = createTablets({ file: join(dataDir, 'tablets.json'), clock, random, log });
  const acts = createActs({
    file: join(dataDir, actsFile),
    clock,
    log,
    ...(options.actsAnchor === undefined ? {} : { anchor: options.actsAnchor }),
  });
  const stream = createStream({
    floor: () => ({
      machines: options.sources.machines(),
      alerts: options.sources.alerts(),
      uplink: options.sources.uplink(),
    }),
    alerts: () => options.sources.alerts(),
    clock,
    epoch: Buffer.from(random(8)).toString('hex'),
    ...(options.stream === undefined ? {} : { settings: options.stream }),
  });
  const limiter = createLimiter(() => clock.monotonicMs());
  let app: FastifyInstance | null = null;
  let url: string | null = null;
  let boundPort = options.port;
  let certificate = options.tls === 'waits' ? null : (options.tls ?? null);
  let moving: Promise<void> = Promise.resolve();
  const stopped = new AbortController();

  async function listen(address: string, port: number): Promise<void> {
    const tls = isLoopbackBind(address) ? null : certificate;
    if (tls === null && !isLoopbackBind(address)) {
      throw new AgentError('pagePlainOffLoopback', `page.bind is ${address} and there is no certificate`);
    }
    const server = createServer({
      ...options,
      tls,
      secure: tls !== null,
      hostNames: options.hostNames ?? [],
      assets: options.webDir === null ? [] : await loadAssets(options.webDir),
      sessions,
      tablets,
      acts,
      limiter,
      stream,
      port: () => boundPort,
      adminMade,
    });
    server.server.maxConnections = maxConnections;
    try {
      await server.listen({ host: address, port });
    } catch (error) {
      await server.close();
      const code = error instanceof Error && 'code' in error ? error.code : '';
      const where = `${hostText(address)}:${port}`;
      if (code === 'EADDRINUSE') throw new AgentError('pageAddressInUse', `${where} is in use`, { cause: error });
      throw new AgentError('pageAddressUnavailable', `cannot listen on ${where} (${String(code)})`, { cause: error });
    }
    const bound = server.server.address();
    if (bound !== null && typeof bound === 'object') boundPort = bound.port;
    url = tls === null ? `http://${shownHost(address)}:${boundPort}` : secureUrl(address);
    app = server;
    // One that came while it began to listen.
    if (tls !== null && certificate !== null && certificate !== tls) renewContext(server, certificate);
    await writeAddress();
  }

  /** By a name that the certificate is for. */
  function secureUrl(address: string): string {
    const [name] = options.hostNames ?? [];
    return `https://${name === undefined ? shownHost(address) : hostText(name)}:${boundPort}`;
  }

  async function writeAddress(): Promise<void> {
    const file = join(dataDir, addressFile);
    try {
      makeFolder(dataDir);
      await writeFile(file, JSON.stringify({ url, pid: process.pid }) + '\n', { mode: 0o600 });
      await chmod(file, 0o600);
    } catch (error) {
      log.warn(
        { error: reasonOf(error) },
        'the address of the page was not written; `selvedge user setup-link` needs it',
      );
    }
  }

  /** P1: from loopback to the configured address, after the answer to the set-up has left. */
  function adminMade(): { readonly movedTo: string | null } {
    if (isLoopbackBind(bind) || certificate === null) return { movedTo: null };
    moving = moveToNetwork(500);
    return { movedTo: options.port === 0 ? null : secureUrl(bind) };
  }

  async function moveToNetwork(delayMs: number): Promise<void> {
    try {
      await moving;
      await delay(delayMs, undefined, { signal: stopped.signal }).catch(() => undefined);
      // It may have moved meanwhile, for the other of the two reasons.
      if (stopped.signal.aborted || app === null || app.server instanceof TlsServer) return;
      if (!(await users.hasAdmin())) return;
      stream.stop();
      await app.close();
      if (await listenOrStay(bind, options.port === 0 ? 0 : boundPort))
        log.info({ url }, 'the page is open to the network');
    } catch (error) {
      log.error({ error: reasonOf(error) }, 'the page cannot listen');
    }
  }

  /**
   * P5: an address that is not there, as before the network is, keeps neither the agent nor its page from running: the page stays on the
   * gateway itself, and looks again every `lookAgainMs`. False: it stays.
   */
  async function listenOrStay(address: string, port: number): Promise<boolean> {
    try {
      await listen(address, port);
      return true;
    } catch (error) {
      if (isLoopbackBind(address)) throw error;
      log.error(
        { error: reasonOf(error) },
        'the page cannot listen on its configured address; it is on this computer alone',
      );
      await listen(loopback, port);
      return false;
    }
  }

  /** Where the page is on loopback though it is to be elsewhere, for want of an address or of an admin that has come since. */
  async function lookAgain(): Promise<void> {
    const isElsewhere =
      app !== null && !(app.server instanceof TlsServer) && !isLoopbackBind(bind) && certificate !== null;
    if (!isElsewhere || !(await users.hasAdmin())) return;
    moving = moveToNetwork(0);
    await moving;
  }

  function renewContext({ server }: FastifyInstance, given: PageCertificate): void {
    if (!(server instanceof TlsServer)) return;
    try {
      server.setSecureContext(tlsOptions(given));
    } catch (error) {
      log.error({ error: reasonOf(error) }, 'the new certificate of the page cannot be used');
    }
  }

  async function useCertificate(given: PageCertificate): Promise<void> {
    certificate = given;
    if (isLoopbackBind(bind) || app === null) return;
    if (app.server instanceof TlsServer) renewContext(app, given);
    else {
      moving = moveToNetwork(0);
      await moving;
    }
  }

  let looking: NodeJS.Timeout | undefined;
  let stopping: Promise<void> | null = null;
  function stop(): Promise<void> {
    stopping ??= (async () => {
      stopped.abort();
      clearInterval(looking);
      await moving;
      stream.stop();
      await app?.close();
      await acts.stop();
      app = null;
      url = null;
      await sessions.save();
    })();
    return stopping;
  }

  return {
    async start(signal) {
      if (signal.aborted) return;
      if (!isLoopbackBind(bind) && options.tls === undefined) {
        throw new AgentError('pagePlainOffLoopback', `page.bind is ${bind} and there is no certificate`);
      }
      const hasAdmin = await users.hasAdmin();
      await Promise.all([sessions.load(), tablets.load(), acts.load()]);
      await listenOrStay(isLoopbackBind(bind) || (hasAdmin && certificate !== null) ? bind : loopback, options.port);
      if (!isLoopbackBind(bind)) looking = setInterval(() => void lookAgain(), lookAgainMs);
      if (!hasAdmin) {
        const token = await users.issueSetupToken();
        if (token.ok) options.onSetupLink(`${url ?? ''}/#setup=${token.value}`);
      }
      signal.addEventListener('abort', () => void stop(), { once: true });
    },
    stop,
    useCertificate,
    get url() {
      return url;
    },
    poke: () => stream.poke(),
    counts: () => stream.counts(),
  };
}
