/** `bridge run`: builds the bridge from its options and runs it until SIGINT or SIGTERM. */
import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { keyFinder } from '../api-keys.ts';
import { Audit, type AuditEntry } from '../audit.ts';
import { Authority, serverLifeMs, type KeyedCertificate } from '../authority.ts';
import { isLoopback } from '../broker/access.ts';
import { EmbeddedBroker } from '../broker/embedded.ts';
import type { BrokerLink } from '../broker/link.ts';
import { Bridge } from '../bridge.ts';
import { EnrolmentDesk } from '../enrolment/desk.ts';
import { EnrolmentServer } from '../enrolment/server.ts';
import { BridgeError } from '../errors.ts';
import { dataDir, makeDir, readText, writeFileAtomic } from '../files.ts';
import { apiKey, keyName, signingKey } from '../keys.ts';
import { lineLog, type Log } from '../log.ts';
import { BridgeMetrics } from '../metrics.ts';
import { Registry } from '../registry.ts';
import { SqliteBook } from '../remote/sqlite-book.ts';
import type { BridgeStore } from '../store/bridge-store.ts';
import { openStore } from './store.ts';
import type { Quarantine } from '../store/open.ts';

export interface RunOptions {
  readonly dataDir: string;
  readonly mqttPort: number;
  readonly mqttsPort: number;
  readonly apiPort: number;
  readonly enrolmentPort: number;
  readonly publicBind: string;
  /** Names and addresses by which gateways reach the bridge; the first one stands in join files. */
  readonly hosts: readonly string[];
  readonly certificateDays: number;
  readonly bind: string;
  /** Null: loopback, without TLS. */
  readonly apiBind: string | null;
  readonly tlsCertFile: string | null;
  readonly tlsKeyFile: string | null;
  readonly acceptPlaintext: boolean;
  readonly broker: string | null;
  readonly brokerPasswordFile: string | null;
  readonly brokerCaFile: string | null;
  /** Null: SQLite in the data folder. */
  readonly store: string | null;
  readonly storePasswordFile: string | null;
  readonly storeCaFile: string | null;
  readonly announce: string | null;
}

/** A stop that takes longer than this is cut short: what is not answered by then is sent again by its gateway. */
const stopWithinMs = 900;
const dayMs = 86_400_000;
/** A long-lived timer of Node goes to 24 days. */
const renewServerMs = Math.min(20 * dayMs, serverLifeMs / 3);

/** Resolves with the exit code after a signal; rejects with a BridgeError when the bridge cannot start. */
export async function run(options: RunOptions): Promise<number> {
  // The broker's library keeps a two-byte buffer for every length of a packet it has met. Cut from Node's shared pool, each
  // holds a whole slab of it: a gigabyte in some weeks. Without the pool each holds its two bytes.
  Buffer.poolSize = 0;
  const stopRequested = new AbortController();
  const onSignal = () => stopRequested.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    await runUntil(options, stopRequested.signal);
    return 0;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function runUntil(options: RunOptions, signal: AbortSignal): Promise<void> {
  const nowMs = () => Date.now();
  const log = lineLog((line) => process.stderr.write(line), nowMs);
  const dir = dataDir(options.dataDir);
  const keys = { signing: signingKey(dir), find: keyFinder(dir, apiKey(dir)) };
  makeDir(dir.gateways);
  if (options.announce !== null) rmSync(options.announce, { force: true });
  const metrics = new BridgeMetrics();
  const registry = new Registry(dir, (error) => log.error(error));
  const audit = new Audit(dir, nowMs);
  const note = (entry: AuditEntry) => audit.note(entry);
  const apiTls = tlsOf(options);
  const api = apiAddress(options, apiTls);
  const authority = await Authority.open(dir, nowMs());
  const hosts = ['localhost', '127.0.0.1', '::1', hostname(), ...options.hosts].filter((host) => host !== '');
  const server = async () => ({ ...(await authority.server(hosts, nowMs())), ca: authority.pem });
  const tls = await server();
  const link = await linkOf(options, apiTls, registry, { metrics, log, tls, authority, note });
  const desk = new EnrolmentDesk({ dir, authority, certificateLifeMs: options.certificateDays * dayMs, nowMs });
  const enrolment = new EnrolmentServer({ bind: options.publicBind, port: options.enrolmentPort, tls }, desk, {
    metrics,
    log,
    note,
  });
  const store: BridgeStore = await openStore(options, dir, nowMs, log);
  let book: SqliteBook | null = null;
  try {
    // Of several workers any may be given the answer: that wants a book they share, which there is none of yet.
    book = options.store === null ? SqliteBook.open(dir, keyName(keys.signing), nowMs()) : null;
    if (book !== null && book.setAside !== null)
      log.error(new BridgeError('bookDamaged', `the damaged one is now ${book.setAside}`));
    if (store.quarantine !== null) tellLoss(log, store.quarantine);
    const bridge = new Bridge({
      store,
      registry,
      link,
      metrics,
      signingKey: keys.signing,
      book,
      api: { ...api, findKey: keys.find },
      brokerIsOwn: options.broker === null,
      nowMs,
      log,
      note,
    });
    await enrolment.start();
    try {
      await bridge.start();
    } catch (error) {
      await enrolment.stop();
      throw error;
    }
    const mqtts = link instanceof EmbeddedBroker ? link.certifiedPort : null;
    const host = options.hosts[0] ?? '127.0.0.1';
    writeFileAtomic(dir.endpoints, `${JSON.stringify({ host, mqtts, enrolment: enrolment.port })}\n`, 0o644);
    const renewing = setInterval(() => void renewServer(server, [link, enrolment], log), renewServerMs);
    const line = `${JSON.stringify({
      event: 'listening',
      mqtt: link instanceof EmbeddedBroker ? link.port : null,
      mqtts,
      api: bridge.apiPort,
      enrolment: enrolment.port,
      bind: options.bind,
      broker: link instanceof EmbeddedBroker ? 'embedded' : link.state().detail,
      publicKey: dir.publicKey,
      apiKeyFile: dir.apiKey,
      pid: process.pid,
    })}\n`;
    if (options.announce !== null) writeFileAtomic(options.announce, line, 0o644);
    process.stdout.write(line);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    const overdue = setTimeout(() => process.exit(0), stopWithinMs);
    clearInterval(renewing);
    await Promise.all([bridge.stop(), enrolment.stop()]);
    clearTimeout(overdue);
  } finally {
    audit.flush();
    book?.close();
    await store.close();
  }
}

interface Tls {
  readonly cert: string;
  readonly key: string;
}

function tlsOf({ tlsCertFile, tlsKeyFile }: RunOptions): Tls | null {
  if ((tlsCertFile === null) !== (tlsKeyFile === null)) {
    throw new BridgeError('usage', '--tls-cert and --tls-key belong together');
  }
  return tlsCertFile === null || tlsKeyFile === null
    ? null
    : { cert: readText(tlsCertFile), key: readText(tlsKeyFile) };
}

/** Where the API listens: on loopback in clear, as a proxy or a person of this computer wants it, else with TLS. */
function apiAddress(options: RunOptions, tls: Tls | null) {
  const { apiBind, apiPort: port } = options;
  if (apiBind === null) return { bind: '127.0.0.1', port, tls: null };
  if (tls === null && !isLoopback(apiBind) && !options.acceptPlaintext) {
    throw new BridgeError('plaintextBind', `--api-bind ${apiBind} is reachable from other machines, without TLS`);
  }
  return { bind: apiBind, port, tls };
}

interface LinkParts {
  readonly metrics: BridgeMetrics;
  readonly log: Log;
  readonly tls: KeyedCertificate & { readonly ca: string };
  readonly authority: Authority;
  readonly note: (entry: AuditEntry) => void;
}

async function linkOf(
  options: RunOptions,
  passwordTls: Tls | null,
  registry: Registry,
  parts: LinkParts,
): Promise<BrokerLink> {
  const { metrics, log } = parts;
  if (options.broker !== null) {
    const { ExternalBroker } = await import('../broker/external.ts');
    const password = options.brokerPasswordFile === null ? null : readText(options.brokerPasswordFile).trim();
    const ca = options.brokerCaFile === null ? null : readText(options.brokerCaFile);
    // Shown where the broker asks for one: the bridge is the user `bridge` there.
    const certificate = await parts.authority.client('bridge', Date.now(), 3650 * dayMs);
    const { broker: url, acceptPlaintext } = options;
    const isWorker = options.store !== null;
    return new ExternalBroker({ url, password, ca, certificate, acceptPlaintext, isWorker }, log);
  }
  if (passwordTls === null && !isLoopback(options.bind) && !options.acceptPlaintext) {
    throw new BridgeError('plaintextBind', `--bind ${options.bind} is reachable from other machines, without TLS`);
  }
  const certified = { bind: options.publicBind, port: options.mqttsPort, tls: parts.tls };
  const listener = { bind: options.bind, port: options.mqttPort, tls: passwordTls };
  return new EmbeddedBroker({ ...listener, certified }, registry, metrics, parts.note);
}

/** The server's certificate, made anew long before it ends. */
async function renewServer(
  make: () => Promise<KeyedCertificate & { readonly ca: string }>,
  servers: readonly object[],
  log: Log,
): Promise<void> {
  try {
    const tls = await make();
    for (const server of servers) {
      if (server instanceof EmbeddedBroker || server instanceof EnrolmentServer) server.renewCertificate(tls);
    }
  } catch (error) {
    log.error(
      new BridgeError('authorityDamaged', 'the certificate of the server could not be renewed', { cause: error }),
    );
  }
}

/** What was saved and what is missing, said so that nobody misses it. */
function tellLoss(log: Log, { path, reason, saved }: Quarantine): void {
  const { rows, incomplete, forgotten } = saved;
  const missing = incomplete.length === 0 ? 'nothing is known to be missing' : `not all of ${incomplete.join(', ')}`;
  const records = forgotten === 0 ? '' : `, up to ${forgotten ?? 'an unknown number of'} records are gone`;
  log.error(
    new BridgeError(
      'storeCorrupt',
      `the database was damaged (${reason}) and is now ${path}; ${rows} rows of it are in the new store: ${missing}${records}`,
    ),
  );
}
