/**
 * Which OPC UA servers answer at an address, and how they call themselves.
 *
 * Invariants:
 *  - Only GetEndpoints and FindServers (OPC 10000-4 §5.5) are asked, over a channel without security: no session, no user,
 *    and no certificate is judged, kept or trusted.
 *  - Every request takes a turn of the pace before it leaves.
 *  - What a server says of itself is a text of a stranger: it is cut to 200 characters.
 */
import type { ApplicationDescription } from 'node-opcua-client';
import { DriverError } from '../errors.ts';
import { loadOpcuaLibrary, type OpcuaLibrary } from '../opcua/library.ts';
import { passingCertificate } from '../opcua/own-certificate.ts';
import { refuseAll } from '../opcua/session.ts';
import { reasonOfError } from '../opcua/trouble.ts';
import type { Found, ScanPorts } from './modbus.ts';
import type { OpcuaTarget } from './targets.ts';

const maxTextLength = 200;
/** A discovery server may name many others; more than this is not an answer for people. */
const maxServers = 64;
/** How long a server may take to see a channel closed, in ms. */
const hangUpMs = 300;

/** What all targets of a scan share. */
export interface OpcuaScanner {
  readonly library: OpcuaLibrary;
  readonly own: Awaited<ReturnType<typeof passingCertificate>>;
}

export async function openOpcuaScanner(): Promise<OpcuaScanner> {
  const library = await loadOpcuaLibrary();
  return { library, own: await passingCertificate(library) };
}

/** Tries one address; connecting and each answer may take `timeoutMs`. Never rejects; aborting `signal` ends it soon. */
export async function scanOpcuaTarget(
  target: OpcuaTarget,
  scanner: OpcuaScanner,
  timeoutMs: number,
  ports: ScanPorts,
  signal: AbortSignal,
): Promise<void> {
  if (!(await ports.pace.turn(signal))) return;
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(new DriverError('busNotOpened', `${target.text}: stopped`));
  signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(
    () => reject(new DriverError('busNotOpened', `${target.text}: timeout`)),
    // Both requests and the turn between them.
    2 * timeoutMs,
  );
  const client = makeClient(scanner, timeoutMs);
  // The library asks for the endpoints as it connects; opening and closing the channel is not told here.
  const count = (): void => ports.onRequest();
  client.on('send_request', count);
  try {
    const asking = (async () => {
      await client.connect(target.text);
      if (!(await ports.pace.turn(signal))) return [];
      return client.findServers();
    })();
    // Whichever loses the race may still fail later, with nobody waiting.
    asking.catch(() => {});
    for (const found of foundOf(scanner.library, target, await Promise.race([asking, cut]))) ports.onFound(found);
    if (!signal.aborted) ports.onTried(target.text, null);
  } catch (error) {
    const trouble =
      error instanceof DriverError
        ? error
        : new DriverError('busNotOpened', `${target.text}: ${reasonOfError(error)}`, { cause: error });
    if (!signal.aborted) ports.onTried(target.text, trouble);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    cut.catch(() => {});
    client.off('send_request', count);
    await hangUp(client);
  }
}

/** The parts of an application's description that are used here. */
export interface ServerDescription {
  readonly name: string | null;
  readonly isServer: boolean;
  readonly discoveryUrls: readonly string[];
}

/**
 * What the answer of FindServers means. A server names itself; its own idea of its host may not be reachable from here, so
 * host and port stay those that answered and only the path is taken over. Further entries, of a discovery server, are taken as
 * they are told. Pure.
 */
export function foundServers(target: OpcuaTarget, servers: readonly ServerDescription[]): Found[] {
  const found = new Map<string, Found>();
  const add = (endpoint: string, name: string | null): void => {
    if (!found.has(endpoint)) found.set(endpoint, { protocol: 'opcua', endpoint, unit: null, machine: name });
  };
  for (const { name, isServer, discoveryUrls } of servers.slice(0, maxServers)) {
    if (!isServer) continue;
    const url = discoveryUrls.map(opcUrl).find((one) => one !== null) ?? null;
    const machine = name === null ? null : name.slice(0, maxTextLength);
    if (url === null) add(target.text, machine);
    else if (servers.length > 1 && url.port !== target.port) add(url.text, machine);
    else add(`${target.text.replace(/(:\d+)\/.*$/, '$1')}${url.path}`, machine);
  }
  // It answered, so something is there, whatever it says.
  if (found.size === 0) add(target.text, null);
  return [...found.values()];
}

function opcUrl(text: string): { readonly text: string; readonly port: number; readonly path: string } | null {
  const match = /^opc\.tcp:\/\/(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]?#@]+)(?::(\d{1,5}))?(\/[^\s?#]*)?$/.exec(text);
  if (match === null || text.length > maxTextLength) return null;
  const path = match[2] ?? '';
  return { text, port: Number(match[1] ?? 4840), path: path === '/' ? '' : path };
}

function foundOf(library: OpcuaLibrary, target: OpcuaTarget, servers: readonly ApplicationDescription[]): Found[] {
  const { Server, ClientAndServer } = library.ApplicationType;
  return foundServers(
    target,
    servers.map((one) => ({
      name: one.applicationName.text ?? one.applicationUri,
      // A discovery server or a client is no machine.
      isServer: one.applicationType === Server || one.applicationType === ClientAndServer,
      discoveryUrls: (one.discoveryUrls ?? []).flatMap((url) => (url === null ? [] : [url])),
    })),
  );
}

function makeClient({ library, own }: OpcuaScanner, timeoutMs: number) {
  return library.OPCUAClient.create({
    applicationName: 'Selvedge',
    applicationUri: own.applicationUri,
    clientName: 'selvedge-scan',
    securityMode: library.MessageSecurityMode.None,
    securityPolicy: library.SecurityPolicy.None,
    // Without one of these the library makes a key and a trust folder in the home of the user.
    clientCertificateManager: refuseAll(library),
    certificateKeyPairProvider: {
      getCertificate: () => own.certificate,
      getCertificateChain: () => [own.certificate],
      getPrivateKey: () => ({ hidden: own.privateKey }),
    },
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 200 },
    transportTimeout: timeoutMs,
    defaultTransactionTimeout: timeoutMs,
    keepSessionAlive: false,
  });
}

async function hangUp(client: ReturnType<typeof makeClient>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, hangUpMs);
  });
  await Promise.race([client.disconnect().catch(() => {}), limit]);
  clearTimeout(timer);
}
