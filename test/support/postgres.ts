/** A PostgreSQL server of Debian's package in a temporary folder, started by the test and ended with it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PostgresAddress } from '../../cloud-bridge/store/postgres/address.ts';
import { freePort } from './ports.ts';

const base = '/usr/lib/postgresql';

/** Where the newest server's programs are, or null. */
export function postgresPrograms(): string | null {
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(base, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb'))) ?? null;
}

/** PostgreSQL does not run as root: the user that Debian's package made does it then. */
function owner(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

export interface PostgresServer {
  /** Without a password, as `--store` wants it. */
  readonly url: string;
  readonly port: number;
  /** SIGQUIT: everything is dropped where it stands, as when the process dies. */
  kill(): Promise<void>;
  /** The same data again, on the same port; it recovers first. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * @param password the user `bridge` must log in with it; null: whoever comes is let in
 * @param tls what the server shows; null: it speaks clear text alone
 */
export async function startPostgres(
  bin: string,
  password: string | null = null,
  tls: ServerCertificate | null = null,
): Promise<PostgresServer> {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-postgres-'));
  const passwordFile = join(dir, 'password');
  writeFileSync(passwordFile, `${password ?? 'none'}\n`);
  const user = owner();
  const [certFile, keyFile] = [join(dir, 'server.crt'), join(dir, 'server.key')];
  if (tls !== null) {
    writeFileSync(certFile, tls.cert);
    writeFileSync(keyFile, tls.key, { mode: 0o600 });
  }
  if (user.uid !== undefined && user.gid !== undefined)
    for (const path of [dir, passwordFile, ...(tls === null ? [] : [certFile, keyFile])])
      chownSync(path, user.uid, user.gid);
  const data = join(dir, 'data');
  const access = password === null ? ['-A', 'trust'] : ['-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'bridge', ...access, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
    { ...user, cwd: dir, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new TypeError(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  // Nobody pulls the plug of this computer: without fsync (-F) the kernel keeps what a killed server has written.
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', dir, '-F'];
  if (tls !== null) options.push('-c', 'ssl=on', '-c', `ssl_cert_file=${certFile}`, '-c', `ssl_key_file=${keyFile}`);
  const launch = async () => {
    const child = spawn(join(bin, 'postgres'), options, { ...user, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = once(child, 'exit');
    let log = '';
    for await (const line of createInterface({ input: child.stderr })) {
      log += `${line}\n`;
      if (line.includes('ready to accept connections')) break;
    }
    child.stderr.resume();
    if (child.exitCode !== null) throw new TypeError(`postgres did not start: ${log}`);
    return { child, exited };
  };
  let running = await launch();
  const kill = async () => {
    running.child.kill('SIGQUIT');
    await running.exited;
  };
  return {
    url: `postgres://bridge@127.0.0.1:${port}/postgres`,
    port,
    kill,
    restart: async () => {
      running = await launch();
    },
    stop: async () => {
      await kill();
      rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Where that server is, for `pgSessions`. */
export function addressOf(server: PostgresServer, database = 'postgres', password?: string): PostgresAddress {
  return { host: '127.0.0.1', port: server.port, user: 'bridge', database, password, tls: null, text: 'test' };
}
