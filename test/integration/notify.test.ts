/** Notices to a real HTTP server and to a real mail server (aiosmtpd). */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import type { NotifyTarget } from '../../agent/config/config.ts';
import { createNotifier, type Notifier } from '../../agent/notify/notifier.ts';
import { send, sendTimeoutMs, signature } from '../../agent/notify/targets.ts';
import { requireProgram } from '../support/peers.ts';
import { requireVenv, venvPython } from '../support/python-venv.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import type { AlertView } from '../../agent/live.ts';

async function tempDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'selvedge-notify-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}
const alarm = (occurrence: string, text = 'Needle thread broken'): AlertView =>
  alertView({
    occurrence,
    machine: 'ov-1',
    type: 'thread_break',
    text,
    priority: 'high',
    state: 'active-unacked',
    cause: 'material.thread_break',
    evidence: {},
  });

function setting(t: TestContext, target: NotifyTarget) {
  const alerts: AlertView[] = [];
  const lines: string[] = [];
  const clock = { addMs: 0, wallMs: () => 1_700_000_000_000 + clock.addMs, monotonicMs: () => clock.addMs };
  const log = (data: object, message: string) => void lines.push(`${message} ${JSON.stringify(data)}`);
  const notifier = createNotifier({
    targets: [target],
    alerts: () => alerts,
    machineName: () => 'Overlock 1',
    site: () => ({ id: 'demo', name: 'Demo factory', timeZone: 'Asia/Dhaka' }),
    gateway: 'gw-1',
    send,
    clock,
    log: { info: log, warn: log },
    everyMs: 60_000,
  });
  t.after(() => notifier.stop());
  notifier.start();
  return { notifier, alerts, clock, lines };
}
/** Resolves when what is on its way was taken or refused. */
async function settled(notifier: Notifier, fits: () => boolean): Promise<void> {
  for (let i = 0; i < 3_000 && !fits(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(fits(), JSON.stringify(notifier.view()));
}

interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
async function webhook(t: TestContext, status: () => number) {
  const posts: Post[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      posts.push({ headers: request.headers, body });
      response.writeHead(status(), { location: '/elsewhere' }).end('secret answer');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { posts, url: `http://127.0.0.1:${port}/hook?token=hush` };
}

test('a webhook is told of a new alert once, signed; a refusal and a redirect are tried again, and the log holds no address', async (t) => {
  const dir = await tempDir(t);
  await writeFile(join(dir, 'key'), 'a key of the site\n');
  let status = 503;
  const { posts, url } = await webhook(t, () => status);
  const target: NotifyTarget = {
    name: 'hook',
    priorities: ['urgent', 'high'],
    kind: 'webhook',
    url,
    secret: `file:${join(dir, 'key')}`,
  };
  const { notifier, alerts, clock, lines } = setting(t, target);
  const failures = () => notifier.view()[0]?.failures ?? 0;
  alerts.push(alarm('a'));
  notifier.look();
  await settled(notifier, () => failures() === 1);
  notifier.look();
  assert.equal(posts.length, 1, 'it waits before it tries again');
  status = 307;
  clock.addMs += 5_000;
  notifier.look();
  await settled(notifier, () => failures() === 2);
  assert.equal(posts.length, 2, 'a redirect is followed nowhere');
  status = 200;
  clock.addMs += 10_000;
  notifier.look();
  await settled(notifier, () => notifier.view()[0]?.sent === 1);
  notifier.look();
  const last = posts.at(-1);
  assert.ok(last !== undefined);
  const timestamp = String(last.headers['x-selvedge-timestamp']);
  assert.equal(last.headers['x-selvedge-signature'], signature('a key of the site', timestamp, last.body));
  const told = JSON.parse(last.body) as { site: string; more: number; alerts: { occurrence: string }[] };
  assert.deepEqual([told.site, told.more, told.alerts.map((one) => one.occurrence)], ['demo', 0, ['a']]);
  assert.equal(posts.length, 3);
  assert.doesNotMatch(lines.join('\n'), /hush|127\.0\.0\.1|key of the site|Needle|secret answer/);
  assert.match(lines.join('\n'), /AGT-524/);
});

async function mailServer(t: TestContext, args: readonly string[] = []) {
  const script = join(import.meta.dirname, 'smtp-peer.py');
  const child = spawn(venvPython('aiosmtpd'), [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  const port = Number((await next()).split(' ')[1]);
  return { port, mail: async () => JSON.parse(await next()) as Record<string, unknown> };
}
const mailTo = (port: number): NotifyTarget & { kind: 'smtp' } => ({
  name: 'mail',
  priorities: ['urgent', 'high'],
  kind: 'smtp',
  host: '127.0.0.1',
  port,
  tls: 'none',
  user: null,
  password: null,
  ca: null,
  from: 'gateway@factory.example',
  to: ['maintenance@factory.example'],
  language: 'bn',
});

test('a flood is two mails, a minute apart; what a machine is called begins no header', async (t) => {
  if (!requireVenv(t, 'aiosmtpd')) return;
  const { port, mail } = await mailServer(t);
  const { notifier, alerts, clock } = setting(t, mailTo(port));
  alerts.push(alarm('first', 'x\r\nBcc: eve@evil.example\r\n\r\n<script>'));
  notifier.look();
  const first = await mail();
  assert.deepEqual([first['from'], first['to']], ['gateway@factory.example', ['maintenance@factory.example']]);
  assert.ok(!(first['headers'] as string[]).includes('bcc'));
  assert.match(String(first['subject']), /Demo factory: ১টি/);
  await settled(notifier, () => notifier.view()[0]?.sent === 1);
  for (let i = 0; i < 300; i += 1) alerts.push(alarm(`flood-${i}`));
  notifier.look();
  clock.addMs += 59_000;
  notifier.look();
  assert.equal(notifier.view()[0]?.sent, 1, 'not within the minute');
  clock.addMs += 1_000;
  notifier.look();
  const second = await mail();
  assert.match(String(second['subject']), /৩০০টি/);
  assert.match(String(second['text']), /আরও ২৮০টি/);
  await settled(notifier, () => notifier.view()[0]?.waiting === 0);
  assert.equal(notifier.view()[0]?.dropped, 100);
});

test('mail goes after STARTTLS and a sign-in, by the CA that is named and by no other', async (t) => {
  if (!requireVenv(t, 'aiosmtpd') || !requireProgram(t, 'openssl')) return;
  const dir = await tempDir(t);
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const made = spawnSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${cert}`.split(
      ' ',
    ),
    { encoding: 'utf8' },
  );
  assert.equal(made.status, 0, made.stderr);
  await writeFile(join(dir, 'password'), 'mail password');
  const { port, mail } = await mailServer(t, [cert, key]);
  const signedIn = {
    ...mailTo(port),
    tls: 'starttls',
    user: 'gateway',
    password: `file:${join(dir, 'password')}`,
  } as const;
  const stranger = setting(t, signedIn);
  stranger.alerts.push(alarm('a'));
  stranger.notifier.look();
  await settled(stranger.notifier, () => stranger.notifier.view()[0]?.failures === 1);
  assert.doesNotMatch(stranger.lines.join('\n'), /mail password|factory\.example/);
  const { notifier, alerts } = setting(t, { ...signedIn, ca: cert });
  alerts.push(alarm('a'));
  notifier.look();
  const told = await mail();
  assert.deepEqual([told['encrypted'], told['user']], [true, 'gateway']);
});

/**
 * A mail server that answers up to a step and then says nothing more, and does not let go either. `reached`: that step is on the wire.
 * `gone`: the connection has ended.
 */
async function hangingServer(t: TestContext, hangsAt: 'greeting' | 'EHLO' | 'MAIL' | 'DATA' | 'text') {
  const reached = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const server = createNetServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined).on('close', () => gone.resolve());
    socket.on('end', () => gone.resolve());
    t.after(() => socket.destroy());
    if (hangsAt === 'greeting') return reached.resolve();
    socket.write('220 hangs ESMTP\r\n');
    let inText = false;
    createInterface({ input: socket }).on('line', (line) => {
      const step = inText ? 'text' : (line.split(/[ :]/)[0] ?? '');
      if (step === hangsAt) return reached.resolve();
      if (step === 'text') return;
      inText = step === 'DATA';
      socket.write(inText ? '354 go on\r\n' : '250 yes\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, reached: reached.promise, gone: gone.promise };
}
const clientSockets = () => process.getActiveResourcesInfo().filter((one) => one === 'TCPSocketWrap').length;

for (const hangsAt of ['greeting', 'EHLO', 'MAIL', 'DATA', 'text'] as const) {
  test(`a mail server that goes silent at ${hangsAt} holds up neither the agent nor its stop, and keeps no connection`, async (t) => {
    const before = clientSockets();
    const { port, reached, gone } = await hangingServer(t, hangsAt);
    const { notifier, alerts, lines } = setting(t, mailTo(port));
    alerts.push(alarm('a'));
    notifier.look();
    notifier.look();
    await reached;
    const stoppedMs = performance.now();
    await notifier.stop();
    assert.deepEqual([notifier.view()[0]?.sent, lines], [0, []]);
    await gone;
    assert.ok(performance.now() - stoppedMs < sendTimeoutMs / 3, 'not after the time a message may take');
    // The server's own end of the connection is half open still.
    assert.ok(clientSockets() <= before + 1, process.getActiveResourcesInfo().join());
  });
}
