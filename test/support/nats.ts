/** A cluster of Debian's nats-server with JetStream in temporary folders, started by the test and ended with it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { freePort } from './ports.ts';

export interface NatsCluster {
  /** Of all nodes, with the user and without the password. */
  readonly urls: readonly string[];
  readonly hosts: readonly string[];
  /** SIGKILL to the node of that name: n1, n2 … */
  kill(name: string): Promise<void>;
  /** The same node again, with what it had on disk. */
  start(name: string): Promise<void>;
}

/** @param tls PEM that each node shows its clients; null: clear text */
export async function startNats(
  t: TestContext,
  nodes: number,
  password: string,
  tls: { readonly cert: string; readonly key: string } | null = null,
): Promise<NatsCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-nats-'));
  const ports: { readonly client: number; readonly route: number }[] = [];
  for (let at = 0; at < nodes; at += 1) ports.push({ client: await freePort(), route: await freePort() });
  const routes = ports.map(({ route }) => `nats://127.0.0.1:${route}`).join(', ');
  const running = new Map<string, { readonly child: ChildProcess; readonly exited: Promise<unknown> }>();
  const end = async (name: string) => {
    const node = running.get(name);
    running.delete(name);
    node?.child.kill('SIGKILL');
    await node?.exited;
  };
  t.after(async () => {
    await Promise.all([...running.keys()].map(end));
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  const start = async (name: string) => {
    const child = spawn('nats-server', ['-c', join(dir, `${name}.conf`)], { stdio: ['ignore', 'ignore', 'pipe'] });
    running.set(name, { child, exited: once(child, 'exit') });
    for await (const line of createInterface({ input: child.stderr })) if (line.includes('Server is ready')) break;
    child.stderr.resume();
  };
  for (const [at, { client, route }] of ports.entries()) {
    const name = `n${at + 1}`;
    const lines = [
      `server_name: ${name}`,
      `listen: 127.0.0.1:${client}`,
      `jetstream { store_dir: "${join(dir, name)}" }`,
      // One node alone is no cluster: it would wait for the others.
      ...(nodes === 1 ? [] : [`cluster { name: test, listen: 127.0.0.1:${route}, routes: [${routes}] }`]),
      ...(tls === null
        ? []
        : [`tls { cert_file: "${join(dir, 'server.crt')}", key_file: "${join(dir, 'server.key')}" }`]),
      `authorization { user: bridge, password: "${password}" }`,
    ];
    writeFileSync(join(dir, `${name}.conf`), `${lines.join('\n')}\n`);
  }
  if (tls !== null) {
    writeFileSync(join(dir, 'server.crt'), tls.cert);
    writeFileSync(join(dir, 'server.key'), tls.key, { mode: 0o600 });
  }
  // Together: a node of a cluster is ready when it has met the others.
  await Promise.all(ports.map((_, at) => start(`n${at + 1}`)));
  const hosts = ports.map(({ client }) => `127.0.0.1:${client}`);
  return { urls: hosts.map((host) => `nats://bridge@${host}`), hosts, kill: end, start };
}
