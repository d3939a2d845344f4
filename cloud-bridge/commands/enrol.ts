/** `bridge enrol`: writes the join file of one gateway. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { Audit } from '../audit.ts';
import { Authority } from '../authority.ts';
import { isLoopback } from '../broker/access.ts';
import { invite } from '../enrolment/invitation.ts';
import { BridgeError } from '../errors.ts';
import { dataDir, readText, writeFileAtomic, type DataDir } from '../files.ts';
import { signingKey } from '../keys.ts';

export interface EnrolOptions {
  readonly gateway: string;
  readonly site: string;
  readonly out: string;
  readonly json: string | null;
  readonly validHours: number;
  /** The name or address by which the gateway reaches this bridge; null: as the bridge was last run. */
  readonly host: string | null;
  /** Empty: the bridge's own. */
  readonly brokers: readonly string[];
  readonly replace: boolean;
}

/** What `bridge run` leaves behind. */
export const endpointsFile = z.object({ host: z.string(), mqtts: z.int().nullable(), enrolment: z.int() });
const unknownEndpoints = { host: '127.0.0.1', mqtts: 8883, enrolment: 8481 };

export async function enrol(root: string, options: EnrolOptions): Promise<number> {
  const dir = dataDir(root);
  signingKey(dir);
  const nowMs = Date.now();
  const authority = await Authority.open(dir, nowMs);
  const endpoints = lastEndpoints(dir);
  const host = options.host ?? endpoints.host;
  const brokers = options.brokers.length > 0 ? options.brokers : ownBroker(host, endpoints.mqtts);
  for (const broker of brokers) {
    if (!URL.canParse(broker) || !['mqtt:', 'mqtts:'].includes(new URL(broker).protocol)) {
      throw new BridgeError('usage', `--broker must be mqtts://host:port, not '${broker}'`);
    }
  }
  const { gateway, site, out, replace, validHours } = options;
  const file = invite(
    dir,
    {
      gateway,
      site,
      enrolment: `https://${urlHost(host)}:${endpoints.enrolment}`,
      brokers,
      ca: authority,
      validMs: Math.round(validHours * 3_600_000),
      replace,
    },
    nowMs,
  );
  writeFileAtomic(out, `${JSON.stringify(file, null, 2)}\n`, 0o600);
  const audit = new Audit(dir, () => nowMs);
  audit.note({ event: 'invited', who: 'command line', did: 'enrol', on: gateway, why: null, from: null });
  audit.flush();
  const expires = new Date(file.expiresMs).toISOString();
  process.stdout.write(
    `${out} lets gateway ${gateway} join site ${site}, once, until ${expires}. Carry it there and run: selvedge join ${out} --data-dir DIR\n`,
  );
  if (isLoopback(host)) {
    process.stderr.write(
      `It names ${host}: it is good on this computer alone. --host NAME names the bridge for others.\n`,
    );
  }
  if (options.json !== null) {
    const { enrolment, caFingerprint, expiresMs } = file;
    const said = { gateway, site, out, enrolment, brokers, caFingerprint, expiresMs };
    writeFileAtomic(options.json, `${JSON.stringify(said, null, 2)}\n`, 0o644);
  }
  return 0;
}

function ownBroker(host: string, mqtts: number | null): readonly string[] {
  if (mqtts !== null) return [`mqtts://${urlHost(host)}:${mqtts}`];
  throw new BridgeError('usage', 'the bridge has no broker of its own; name the one gateways connect to with --broker');
}

function lastEndpoints(dir: DataDir): z.infer<typeof endpointsFile> {
  if (!existsSync(dir.endpoints)) return unknownEndpoints;
  try {
    return endpointsFile.parse(JSON.parse(readText(dir.endpoints)));
  } catch {
    return unknownEndpoints;
  }
}

const urlHost = (host: string) => (host.includes(':') ? `[${host}]` : host);
