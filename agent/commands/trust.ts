/** `selvedge trust`: which OPC UA servers the agent may talk to. */
import { parseArgs } from 'node:util';
import {
  addCertificate,
  listCertificates,
  opcuaFolders,
  removeCertificate,
  type StoredCertificate,
} from '../../drivers/opcua/trust.ts';
import { AgentError } from '../errors.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge trust list             (--config FILE | --trust-dir DIR) [--json FILE]
       selvedge trust add WHAT         (--config FILE | --trust-dir DIR) [--json FILE]
       selvedge trust remove WHAT      (--config FILE | --trust-dir DIR) [--json FILE]

The OPC UA servers the agent trusts, by their certificates. A server that is met and not trusted is refused and listed as such;
compare its fingerprint with what the server itself shows before adding it. The running agent takes a change up at its next
attempt, within seconds.

  WHAT               fingerprint (SHA-256, at least its first 8 digits) of a listed certificate; for add also a file, DER or PEM
  --config FILE      the agent's configuration, for its data folder
  --trust-dir DIR    the folder itself, instead of --config
  --json FILE        also write {trusted: […], rejected: […]}, or the one certificate that was added or removed

Exit code: 0 good, 2 wrong usage or no such certificate.
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [action, what, ...more] = positionals;
  const trustDir = await folderOf(values);
  const json = (value: unknown): void => {
    if (values.json !== undefined) writeJsonFile(values.json, value);
  };
  if (action === 'list' && what === undefined) {
    const list = await listCertificates(trustDir);
    const lines = [
      ...list.trusted.map((one) => line('trusted', one)),
      ...list.rejected.map((one) => line('refused', one)),
    ];
    process.stdout.write(lines.length === 0 ? 'no certificate yet\n' : `${lines.join('\n')}\n`);
    json({ trusted: list.trusted.map(plain), rejected: list.rejected.map(plain) });
    return 0;
  }
  if ((action === 'add' || action === 'remove') && what !== undefined && more.length === 0) {
    const certificate =
      action === 'add' ? await addCertificate(trustDir, what) : await removeCertificate(trustDir, what);
    process.stdout.write(`${line(action === 'add' ? 'trusted' : 'removed', certificate)}\n`);
    json(plain(certificate));
    return 0;
  }
  throw new AgentError('usage', 'trust takes list, add WHAT or remove WHAT');
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { config: { type: 'string' }, 'trust-dir': { type: 'string' }, json: { type: 'string' } },
  });
}

async function folderOf(values: ReturnType<typeof parse>['values']): Promise<string> {
  const folder = values['trust-dir'];
  if (folder !== undefined && values.config === undefined) return folder;
  if (folder !== undefined || values.config === undefined) {
    throw new AgentError('usage', 'trust takes either --config FILE or --trust-dir DIR');
  }
  const { loadConfig } = await import('../config/load.ts');
  return opcuaFolders(loadConfig(values.config, {}).dataDir).trustDir;
}

function line(word: string, certificate: StoredCertificate): string {
  const until = new Date(certificate.validToMs).toISOString().slice(0, 10);
  const uri = certificate.applicationUri === null ? '' : `  ${printable(certificate.applicationUri)}`;
  return `${word}  ${certificate.fingerprint}  until ${until}  ${printable(certificate.subject)}${uri}`;
}

/** Subject and URI are written by strangers: no control character of theirs reaches a terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?').slice(0, 200);
}

function plain(certificate: StoredCertificate) {
  return { ...certificate, validTo: new Date(certificate.validToMs).toISOString() };
}
