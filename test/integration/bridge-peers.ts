/** mosquitto as the bridge's broker, set up from the files the bridge ships. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { freePort } from '../support/ports.ts';

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
  // Started by root it would become the user mosquitto, who may not read the test's folder.
  const workers = workersPort === undefined ? '' : shippedWorkersListener(text, workersPort);
  writeFileSync(config, `${text}${workers}${process.getuid?.() === 0 ? 'user root\n' : ''}`);
  const child = spawn('mosquitto', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let log = '';
  for await (const line of createInterface({ input: child.stderr })) {
    log += `${line}\n`;
    if (line.includes('running')) {
      child.stderr.resume();
      return port;
    }
  }
  throw new TypeError(`mosquitto did not start: ${log}`);
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
