/** A PostgreSQL server of Debian's package in a temporary folder, started by the test and ended with it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPostgres(bin: string): Promise<PostgresServer> {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-postgres-'));
  const user = owner();
  if (user.uid !== undefined && user.gid !== undefined) chownSync(dir, user.uid, user.gid);
  const data = join(dir, 'data');
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'bridge', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'],
    {
      ...user,
      cwd: dir,
      encoding: 'utf8',
    },
  );
  if (made.status !== 0) throw new TypeError(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  // Nobody pulls the plug of this computer: without fsync the kernel keeps what a killed server has written.
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', dir, '-F'];
  const child = spawn(join(bin, 'postgres'), options, { ...user, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  let log = '';
  for await (const line of createInterface({ input: child.stderr })) {
    log += `${line}\n`;
    if (line.includes('ready to accept connections')) break;
  }
  child.stderr.resume();
  if (child.exitCode !== null) throw new TypeError(`postgres did not start: ${log}`);
  return {
    url: `postgres://bridge@127.0.0.1:${port}/postgres`,
    stop: async () => {
      // SIGQUIT: immediate shutdown, whoever is connected; the data goes anyway.
      child.kill('SIGQUIT');
      await exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
