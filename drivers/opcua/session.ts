/**
 * From an address to a session: ask the server for its endpoints, judge its certificate, only then open a channel and a
 * session. No reconnect of the library's own is used, so that every new connection goes through the same judgement.
 *
 * Invariant: with any mode but None, nothing (above all no password) is sent to a server whose certificate is not trusted.
 */
import { X509Certificate } from 'node:crypto';
import type { ClientSession, EndpointDescription, OPCUAClient, UserIdentityInfo } from 'node-opcua-client';
import type { DriverPorts } from '../contract.ts';
import type { OpcuaLibrary, OpcuaSession } from './library.ts';
import type { OpcuaDriverOptions, OpcuaSecurity } from './options.ts';
import type { OwnCertificate } from './own-certificate.ts';
import { fingerprintOf, isTrusted, recordRejected } from './trust.ts';
import { OpcuaTrouble } from './trouble.ts';

export interface OpcuaConnection {
  readonly session: OpcuaSession;
  /** Resolves once with the reason when channel or session is gone. Never rejects. */
  readonly lost: Promise<string>;
  /**
   * Resolves when everything is closed, within 900 ms, whatever the server does.
   * @param keepSubscriptions the server shall keep them for the next session
   */
  close(keepSubscriptions: boolean): Promise<void>;
}

export interface ConnectParts {
  readonly library: OpcuaLibrary;
  readonly own: OwnCertificate;
  readonly options: Pick<OpcuaDriverOptions, 'endpoint' | 'security' | 'trustDir' | 'user'>;
  /** Normalised; null: only what is in the folder is trusted. */
  readonly serverFingerprint: string | null;
  readonly timeoutMs: number;
  readonly ports: Pick<DriverPorts, 'log' | 'clock'>;
  /** Fingerprints of certificates already complained of: the log says it once, not at every attempt. */
  readonly complained: Set<string>;
}

/** How long a server may take to answer a good-bye before it is hung up on. */
const closeSessionMs = 250;
const disconnectMs = 300;

/** Throws OpcuaTrouble or an error of the library; whatever was opened is closed then. `signal` cuts it short. */
export async function connect(parts: ConnectParts, signal: AbortSignal): Promise<OpcuaConnection> {
  const { options } = parts;
  const certificate =
    options.security.mode === 'None' ? null : await trustedCertificate(parts, options.security, signal);
  const client = makeClient(parts, options.security, certificate);
  const lost = new Promise<string>((resolve) => {
    client.once('connection_lost', () => resolve('connection-lost'));
    client.once('close', () => resolve('connection-lost'));
  });
  try {
    const session = await limited(parts, client, signal, async () => {
      await client.connect(options.endpoint);
      return (await client.createSession(identityOf(parts))) as OpcuaSession;
    });
    const sessionLost = new Promise<string>((resolve) => {
      session.once('session_closed', () => resolve('session-lost'));
    });
    return { session, lost: Promise.race([lost, sessionLost]), close: (keep) => closeSession(client, session, keep) };
  } catch (error) {
    await hangUp(client);
    throw error;
  }
}

/** Asks for the endpoints over an open channel and judges the certificate of the one that fits. */
async function trustedCertificate(
  parts: ConnectParts,
  security: Exclude<OpcuaSecurity, { mode: 'None' }>,
  signal: AbortSignal,
): Promise<Buffer> {
  const { library } = parts;
  const client = makeClient(parts, { mode: 'None', iKnowThisIsNotSecure: true }, null);
  let endpoints: EndpointDescription[];
  try {
    endpoints = await limited(parts, client, signal, async () => {
      await client.connect(parts.options.endpoint);
      return client.getEndpoints();
    });
  } finally {
    await hangUp(client);
  }
  const mode = library.MessageSecurityMode[security.mode];
  const policy: string = library.SecurityPolicy[security.policy];
  const fitting = endpoints.find((one) => one.securityMode === mode && one.securityPolicyUri === policy);
  if (fitting === undefined) {
    const offered = endpoints.map((one) => `${library.MessageSecurityMode[one.securityMode]} ${one.securityPolicyUri}`);
    throw new OpcuaTrouble('security-not-offered', `the server offers ${[...new Set(offered)].join('; ')}`);
  }
  return judge(parts, fitting.serverCertificate);
}

/** The leaf certificate in DER if it is trusted; throws OpcuaTrouble otherwise. */
async function judge(parts: ConnectParts, chain: Buffer | null): Promise<Buffer> {
  const { options, ports, complained } = parts;
  const certificate = leafOf(chain);
  if (certificate === null) throw new OpcuaTrouble('server-certificate-invalid', 'the server sent no certificate');
  const der = certificate.raw;
  const fingerprint = fingerprintOf(der);
  if (fingerprint !== parts.serverFingerprint && !(await isTrusted(options.trustDir, fingerprint))) {
    await recordRejected(options.trustDir, der).catch((error: unknown) => {
      ports.log('warn', 'refused certificate cannot be kept for inspection', { error: String(error) });
    });
    if (!complained.has(fingerprint)) {
      complained.add(fingerprint);
      ports.log('warn', 'OPC UA server refused: its certificate is not trusted', {
        endpoint: options.endpoint,
        fingerprint,
        subject: certificate.subject.replaceAll('\n', ', '),
        cure: `Compare the fingerprint with the server's own display, then: selvedge trust add ${fingerprint} --trust-dir ${options.trustDir}`,
      });
    }
    throw new OpcuaTrouble('server-certificate-not-trusted', `fingerprint ${fingerprint}`);
  }
  const validToMs = Date.parse(certificate.validTo);
  const expired = `expired ${fingerprint}`;
  if (validToMs < ports.clock.wallMs() && !complained.has(expired)) {
    // A person named this very certificate, and a machine that stops being read on a date helps nobody.
    complained.add(expired);
    ports.log('warn', 'certificate of the OPC UA server has expired; it is used because it is trusted by fingerprint', {
      endpoint: options.endpoint,
      validTo: new Date(validToMs).toISOString(),
    });
  }
  return der;
}

/** The server sends a chain as certificates one after the other, its own first; parsing stops at the end of that one. */
function leafOf(chain: Buffer | null): X509Certificate | null {
  if (chain === null || chain.length < 4 || chain[0] !== 0x30 || chain[1] !== 0x82) return null;
  const length = 4 + chain.readUInt16BE(2);
  try {
    return new X509Certificate(chain.subarray(0, length));
  } catch {
    return null;
  }
}

function makeClient(parts: ConnectParts, security: OpcuaSecurity, serverCertificate: Buffer | null): OPCUAClient {
  const { library, own, timeoutMs } = parts;
  const policy = security.mode === 'None' ? 'None' : security.policy;
  return library.OPCUAClient.create({
    applicationName: 'Selvedge',
    applicationUri: own.applicationUri,
    clientName: 'selvedge',
    securityMode: library.MessageSecurityMode[security.mode],
    securityPolicy: library.SecurityPolicy[policy],
    ...(serverCertificate === null ? {} : { serverCertificate }),
    certificateKeyPairProvider: {
      getCertificate: () => own.certificate,
      getCertificateChain: () => [own.certificate],
      getPrivateKey: () => ({ hidden: own.privateKey }),
    },
    clientCertificateManager: refuseAll(library),
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 200 },
    transportTimeout: timeoutMs,
    defaultTransactionTimeout: timeoutMs,
    requestedSessionTimeout: 30_000,
    keepSessionAlive: false,
    // Texts in the one language that the names of the specifications are in.
    localeIds: ['en', 'en-US', 'en-GB'],
    // Closing is done here, in an order and a time of our own.
    keepPendingSessionsOnDisconnect: true,
  });
}

/**
 * The library's own judgement is never asked, because the certificate is handed to it. Should it ever ask, the answer is no:
 * its default store says yes to every stranger.
 */
export function refuseAll(library: OpcuaLibrary) {
  const untrusted = library.StatusCodes.BadCertificateUntrusted;
  return {
    referenceCounter: 0,
    initialize: () => Promise.resolve(),
    dispose: () => Promise.resolve(),
    checkCertificate: () => Promise.resolve(untrusted),
    verifyCertificate: () => Promise.resolve('BadCertificateUntrusted'),
    trustCertificate: () => Promise.resolve(),
    rejectCertificate: () => Promise.resolve(),
    getTrustStatus: () => Promise.resolve(untrusted),
    addIssuer: () => Promise.resolve(),
    addRevocationList: () => Promise.resolve(),
  };
}

function identityOf({ library, options: { user } }: ConnectParts): UserIdentityInfo {
  const { UserTokenType } = library;
  if (user === undefined) return { type: UserTokenType.Anonymous };
  if ('name' in user) return { type: UserTokenType.UserName, userName: user.name, password: user.password };
  const certificateData = new X509Certificate(user.certificatePem).raw;
  return { type: UserTokenType.Certificate, certificateData, privateKey: user.keyPem };
}

/** Runs `work`, hanging up on the client when it takes too long or `signal` aborts, which makes the work fail. */
async function limited<T>(
  { timeoutMs }: ConnectParts,
  client: OPCUAClient,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const cut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OpcuaTrouble('timeout', `no answer in ${timeoutMs} ms`)), timeoutMs);
    abort = () => reject(new OpcuaTrouble('stopped', 'stopped'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  const running = work();
  // Whichever loses the race may still fail later, with nobody waiting.
  running.catch(() => {});
  cut.catch(() => {});
  try {
    return await Promise.race([running, cut]);
  } catch (error) {
    await hangUp(client);
    throw error;
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}

async function closeSession(client: OPCUAClient, session: ClientSession, keep: boolean): Promise<void> {
  // The library keeps its publish timers until the closing of the session is answered or the channel is gone.
  const closing = session.close(!keep).catch(() => {});
  await within(closing, closeSessionMs);
  await hangUp(client);
  await within(closing, disconnectMs);
}

async function hangUp(client: OPCUAClient): Promise<void> {
  await within(
    client.disconnect().catch(() => {}),
    disconnectMs,
  );
}

async function within(work: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
