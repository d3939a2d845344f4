/** `selvedge cert`: the certificate with which the page is reached from other computers, and the authority that tablets trust. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { certificateFiles, derOf, fingerprintOf, readKept, type Kept } from '../certificates/files.ts';
import { certificateFindings } from '../certificates/findings.ts';
import { hostAddresses } from '../certificates/host-addresses.ts';
import { inUrl, uniqueNames, type HostName } from '../certificates/names.ts';
import { drawQr } from '../certificates/qr.ts';
import { initCertificates, renewServer } from '../certificates/update.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/config.ts';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { builtMs } from '../version.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge cert (init|show|renew|export) --config FILE [--out DIR] [--json FILE]

The page is reached from other computers over HTTPS alone. Its certificate is signed by an authority of this gateway, which is
installed once on every tablet and computer that opens the page. The agent renews the certificate by itself.

  init     make the authority and the certificate for page.names; what is there and good stays
  show     what is there, until when it is valid, the fingerprint of the authority and a QR code of the page's address
  renew    renew the certificate if it ends within 30 days or page.names have changed; the authority stays
  export   write the authority's certificate, to be installed: selvedge-ca.pem, and selvedge-ca.crt for phones and tablets

  --config FILE      the agent's configuration, with page.names
  --new-authority    init: make another authority; the old one has to be replaced on every tablet and computer
  --out DIR          export: the folder; absent: this one
  --json FILE        also write {url, names, authority, server, findings}

Exit code: 0 good, 1 show has found something that needs somebody, 2 usage, or a configuration or authority that cannot be used.
`;

const steps = ['init', 'show', 'renew', 'export'] as const;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const options = { config: text, out: text, json: text, 'new-authority': { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const step = steps.find((one) => one === positionals[0]);
  if (step === undefined || positionals.length > 1) throw new AgentError('usage', `name one of ${steps.join(', ')}`);
  if (values.config === undefined) throw new AgentError('usage', '--config FILE is missing');
  if (values.out !== undefined && step !== 'export') throw new AgentError('usage', '--out DIR goes with export');
  const newAuthority = values['new-authority'] ?? false;
  if (newAuthority && step !== 'init') throw new AgentError('usage', '--new-authority goes with init');
  const config = loadConfig(values.config);
  const names = uniqueNames(config.page.names);
  if (names.length === 0 && step !== 'export') {
    throw new AgentError(
      'usage',
      `page.names of ${values.config} is empty; it needs the names that are typed in a browser`,
    );
  }
  // Its dates would be wrong for everybody else.
  if ((step === 'init' || step === 'renew') && Date.now() < builtMs) {
    throw new AgentError('clockNotSet', `it is ${new Date().toISOString()} by the clock of this computer`);
  }
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const subject = { dataDir: config.dataDir, gateway: config.gateway.id, names };
  switch (step) {
    case 'init': {
      const made = await initCertificates(subject, Date.now(), newAuthority);
      if (made.authority !== null)
        say('An authority was made. Install it on every tablet and computer that opens the page.');
      say(made.server === null ? 'The certificate is good as it is.' : 'A certificate was made.');
      break;
    }
    case 'renew': {
      const why = await renewServer(subject, Date.now());
      say(why === null ? 'The certificate is good as it is.' : `The certificate was renewed (${why}).`);
      break;
    }
    case 'export':
      say(exportAuthority(config, values.out ?? '.'));
      break;
    case 'show':
  }
  const report = reportOf(config, names);
  if (values.json !== undefined) writeJsonFile(values.json, report);
  if (step === 'renew' || step === 'export') return 0;
  await show(report, say);
  return step === 'show' && report.findings.length > 0 ? 1 : 0;
}

function exportAuthority({ dataDir }: Config, folder: string): string {
  const { authority } = readKept(dataDir);
  if (typeof authority === 'string') {
    throw new AgentError('pageAuthorityUnfit', `${certificateFiles(dataDir).authority} is ${authority}`);
  }
  const [pem, der] = [join(folder, 'selvedge-ca.pem'), join(folder, 'selvedge-ca.crt')];
  try {
    makeFolder(folder);
    writeFileSync(pem, authority.certPem);
    writeFileSync(der, derOf(authority.certPem));
  } catch (error) {
    throw new AgentError('fileUnwritable', error instanceof Error ? error.message : String(error), { cause: error });
  }
  return `Written: ${pem}, and ${der} for phones and tablets. SHA-256: ${grouped(fingerprintOf(authority.certPem))}`;
}

function reportOf({ page, dataDir }: Config, names: readonly HostName[]) {
  const held = readKept(dataDir);
  const [first] = names;
  return {
    /** null where the port is not known before the agent runs. */
    url: first === undefined || page.port === 0 ? null : `https://${inUrl(first)}:${page.port}`,
    names: names.map(({ text }) => text),
    authority: partOf(held.authority),
    server: partOf(held.server),
    findings: certificateFindings({ held, names, nowMs: Date.now(), addresses: hostAddresses() }),
  };
}

function partOf(part: Kept['authority'] | Kept['server']) {
  if (typeof part === 'string') return { state: part };
  const { certPem, notBeforeMs, notAfterMs } = part;
  const names = 'names' in part ? { names: part.names } : {};
  return { state: 'there', sha256: fingerprintOf(certPem), notBeforeMs, notAfterMs, ...names } as const;
}

async function show(report: ReturnType<typeof reportOf>, say: (line: string) => void): Promise<void> {
  const { url, names, authority, server, findings } = report;
  const until = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  say(
    server.state === 'there'
      ? `Certificate for ${names.join(', ')}, valid until ${until(server.notAfterMs)}.`
      : `Certificate: ${server.state}.`,
  );
  if (authority.state === 'there') {
    say(`Authority, valid until ${until(authority.notAfterMs)}. SHA-256 of it, to compare on the tablet:`);
    const groups = grouped(authority.sha256).split(' ');
    say(`  ${groups.slice(0, 8).join(' ')}\n  ${groups.slice(8).join(' ')}`);
    if (url !== null) {
      say(`The page: ${url}  The authority to install: ${url}/ca.crt`);
      say(await drawQr(`${url}/#ca-sha256=${authority.sha256}`, hasColours()));
    }
  } else say(`Authority: ${authority.state}.`);
  for (const { what, cure } of findings) say(`${what} — do: ${cure}`);
}

/** https://no-color.org: who sets it wants none. */
const hasColours = (): boolean => process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';

/** Four digits at a time, as people compare them. */
const grouped = (digits: string) => digits.replaceAll(/(.{4})(?=.)/g, '$1 ');
