/** `selvedge join`: makes this gateway's keys and fetches its certificate, with the join file the bridge has made for it. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join as joinPath, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { joinCheck, joinFile, sha256Hex, type JoinFile } from '../../cloud-bridge/contract.ts';
import { AgentError } from '../errors.ts';
import { askForCertificate } from '../sync/enrolment.ts';
import {
  certificateFile,
  finishKeys,
  prepareKeys,
  identityFiles,
  signedRequest,
  signingKeyAt,
  tlsKey,
  writeDurably,
} from '../sync/identity.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge join FILE --data-dir DIR [--json FILE]

Makes the keys of this gateway in DIR, fetches its certificate from the bridge that made the join file, and writes DIR/uplink.yaml:
the uplink section of the configuration. Private keys stay in DIR/keys. A join file is good once.

  --data-dir DIR   the agent's data folder (dataDir of the configuration)
  --json FILE      also write what was joined and where the files are

Exit code: 0 good, 2 usage, a join file that is no good, or a bridge that cannot be reached.
`;

const maxFileBytes = 64 * 1024;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const options = { 'data-dir': text, json: text };
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new AgentError('usage', 'name one join file');
  if (values['data-dir'] === undefined) throw new AgentError('usage', '--data-dir DIR is missing');
  const dataDir = resolve(values['data-dir']);
  const file = readJoinFile(path, Date.now());
  const said = await join(file, dataDir);
  if (values.json !== undefined) writeJsonFile(values.json, said);
  process.stdout.write(
    `Gateway ${said.gateway} has joined site ${said.site}; its certificate is good until ${new Date(said.notAfterMs).toISOString()} and is renewed by the agent.\n` +
      `The configuration needs the section in ${said.config}, gateway.id ${said.gateway} and site.id ${said.site}.\n`,
  );
  return 0;
}

/** @throws AgentError `fileUnreadable`, or `joinFileUnusable` for one that is damaged, was changed, or is too old. */
export function readJoinFile(path: string, nowMs: number): JoinFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AgentError('fileUnreadable', `${path}: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  const file = text.length > maxFileBytes ? undefined : joinFile.safeParse(parse(text)).data;
  if (file === undefined) throw new AgentError('joinFileUnusable', `${path} is no join file of this version`);
  const { check, ...fields } = file;
  if (check !== joinCheck(fields)) throw new AgentError('joinFileUnusable', `${path} was changed after it was made`);
  if (nowMs >= file.expiresMs) {
    throw new AgentError('joinFileUnusable', `${path} expired at ${new Date(file.expiresMs).toISOString()}`);
  }
  return file;
}

async function join(file: JoinFile, dataDir: string) {
  const files = identityFiles(dataDir);
  const config = joinPath(dataDir, 'uplink.yaml');
  const secretSha256 = sha256Hex(Buffer.from(file.secret));
  if (existsSync(files.joined) && readFileSync(files.joined, 'utf8').includes(secretSha256)) {
    finishKeys(files);
    throw new AgentError('joinFileUnusable', 'this data folder has joined with this file already; it is used up');
  }
  const { gateway, site, secret } = file;
  prepareKeys(files, secretSha256);
  // New ones, whatever is there: a gateway that joins again may do so because its keys were copied.
  const signing = signingKeyAt(files.nextSigningKey);
  const key = tlsKey(files.nextKey);
  const { fields } = await signedRequest(gateway, key, signing);
  const trust = { ca: file.ca, identity: null };
  const answer = await askForCertificate(file.enrolment, '/v1/join', { ...fields, site, secret }, trust);
  if (answer.gateway !== gateway || answer.site !== site) {
    throw new AgentError('joinRefused', 'the bridge answered for another gateway');
  }
  writeDurably(files.bridgeKey, answer.bridgeKey, 0o644);
  writeDurably(files.ca, file.ca, 0o644);
  writeDurably(config, uplinkSection(file, files), 0o644);
  writeDurably(files.certificate, certificateFile(answer.certificate, key), 0o600);
  // Until here the same keys may ask again with the same file; from here on what is left to do needs nobody.
  writeDurably(files.joined, `${JSON.stringify({ gateway, site, secretSha256, atMs: Date.now() })}\n`, 0o644);
  finishKeys(files);
  rmSync(files.joining, { force: true });
  return {
    gateway,
    site,
    brokers: file.brokers,
    certificate: files.certificate,
    bridgeKey: files.bridgeKey,
    ca: files.ca,
    config,
    notAfterMs: answer.notAfterMs,
  };
}

/** JSON strings are YAML. */
function uplinkSection(file: JoinFile, files: ReturnType<typeof identityFiles>): string {
  const quoted = (text: string) => JSON.stringify(text);
  const brokers =
    file.brokers.length === 1 ? quoted(file.brokers[0] ?? '') : `[${file.brokers.map(quoted).join(', ')}]`;
  return [
    `# Gateway ${file.gateway} of site ${file.site}. Put this into the configuration.`,
    'uplink:',
    `  broker: ${brokers}`,
    `  certificate: ${quoted(files.certificate)}`,
    `  key: ${quoted(`file:${files.certificate}`)}`,
    `  ca: ${quoted(files.ca)}`,
    `  bridgeKey: ${quoted(files.bridgeKey)}`,
    `  enrolment: ${quoted(file.enrolment)}`,
    '',
  ].join('\n');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
