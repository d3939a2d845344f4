/** mosquitto as the bridge's broker, set up from the files the bridge ships. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { freePort } from '../support/ports.ts';
import { bridgeCommand } from './bridge-process.ts';

const shipped = join(import.meta.dirname, '../../cloud-bridge/mosquitto');

/**
 * Starts mosquitto with the shipped configuration and ACL, their paths and the port changed; ended with the test.
 *
 * @param workersPort a second listener as the shipped file describes it for several workers
 */
export async function runMosquitto(
  t: TestContext,
  dir: string,
  users: Readonly<Record<string, string>>,
  workersPort?: number,
): Promise<number> {
  const port = await freePort();
  const passwords = join(dir, 'passwords');
  const acl = join(dir, 'acl');
  const lines = Object.entries(users).map(([user, password]) => `${user}:${password}\n`);
  writeFileSync(passwords, lines.join(''));
  spawnSync('mosquitto_passwd', ['-U', passwords]);
  copyFileSync(join(shipped, 'acl'), acl);
  for (const file of [passwords, acl]) chmodSync(file, 0o700);
  const config = join(dir, 'mosquitto.conf');
  const text = readFileSync(join(shipped, 'mosquitto.conf'), 'utf8')
    .replace('/etc/mosquitto/conf.d/selvedge/passwords', passwords)
    .replace('/etc/mosquitto/conf.d/selvedge/acl', acl)
    .replace('listener 1883 127.0.0.1', `listener ${port} 127.0.0.1`);
  const workers = workersPort === undefined ? '' : shippedWorkersListener(text, workersPort);
  await start(t, config, `${text}${workers}`);
  return port;
}

export interface Mosquitto {
  readonly port: number;
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly log: () => string;
}

/**
 * Starts mosquitto with the shipped configuration for certificates, with those of the bridge in `bridgeDir` and a certificate the
 * bridge has made for it. `acl: false` leaves the ACL out, as somebody might.
 */
export async function runMosquittoWithCertificates(
  t: TestContext,
  dir: string,
  bridgeDir: string,
  { acl }: { readonly acl: boolean },
): Promise<Mosquitto> {
  const port = await freePort();
  const at = (name: string) => join(dir, name);
  const files = ['--cert', at('server.pem'), '--key', at('server.key')];
  const made = bridgeCommand(['certificate', '--data-dir', bridgeDir, '--host', 'localhost,127.0.0.1', ...files]);
  if (made.code !== 0) throw new TypeError(made.stderr);
  copyFileSync(join(shipped, 'acl'), at('acl'));
  chmodSync(at('acl'), 0o700);
  const text = readFileSync(join(shipped, 'mosquitto-certificates.conf'), 'utf8')
    .replace(/^acl_file .*$/m, acl ? `acl_file ${at('acl')}` : '')
    .replace('/etc/mosquitto/conf.d/selvedge/ca.pem', join(bridgeDir, 'ca/ca.pem'))
    .replace('/etc/mosquitto/conf.d/selvedge/crl.pem', join(bridgeDir, 'ca/crl.pem'))
    .replaceAll('/etc/mosquitto/conf.d/selvedge/', `${dir}/`)
    .replace('listener 8883', `listener ${port} 127.0.0.1`);
  const { child, log } = await start(t, at('mosquitto.conf'), `${text}\nlog_type all\n`);
  return { port, child, log };
}

/** Writes the configuration and starts mosquitto with it; ended with the test. */
async function start(t: TestContext, config: string, text: string) {
  // Started by root it would become the user mosquitto, who may not read the test's folder.
  writeFileSync(config, `${text}${process.getuid?.() === 0 ? 'user root\n' : ''}`);
  const child = spawn('mosquitto', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('running')) resolve();
    });
    child.once('exit', () => reject(new TypeError(`mosquitto did not start: ${log}`)));
  });
  return { child, log: () => log };
}

/** The listener for workers, which the shipped file has as a comment. */
function shippedWorkersListener(text: string, port: number): string {
  const [line] = /^# {3}listener 1884 .*$/m.exec(text) ?? [];
  if (line === undefined) throw new TypeError('the shipped mosquitto.conf has no listener for workers');
  return `${line.replace(/^# {3}/, '').replace(/1884 \S+/, `${port} 127.0.0.1`)}\n`;
}

/** The lines a program writes, as they come; ended with the test. */
export function linesOf(t: TestContext, program: string, args: readonly string[]): AsyncIterableIterator<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}
