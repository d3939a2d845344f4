/** Commands from `selvedge bridge command` to a running agent and back, and what nobody else can make it do. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { commandResult, sha256Hex, signCommand } from '../../cloud-bridge/contract.ts';
import { keyName } from '../../cloud-bridge/keys.ts';
import { requireProgram } from '../support/peers.ts';
import { rows, startAgent, temporaryDir } from './bad-input-rig.ts';
import { handAt, haveSyncedClock, runFloor, type Floor } from './commands-rig.ts';
import { until } from './sync-rig.ts';

const actor = /^bridge key [0-9a-f]{16} \(local\)$/;
const notes = ({ dir }: Floor) =>
  rows(
    join(dir, 'agent/journal.db'),
    "SELECT body -> 'data' FROM event WHERE event = 'remote_command' ORDER BY id",
  ).map((text) => JSON.parse(text) as Record<string, unknown>);

async function pingAndAlerts(floor: Floor): Promise<void> {
  const ping = await floor.command('ping');
  assert.deepEqual([ping.code, ping.view.state, ping.view.by], [0, 'done', 'local'], ping.stderr);
  assert.match(String(ping.view.result?.['agentVersion']), /^\d+\.\d+\.\d+$/);

  const occurrence = await floor.openOccurrence();
  const wrong = await floor.command('ack-alert', { occurrence: 'no-such' });
  assert.deepEqual([wrong.code, wrong.view.state, wrong.view.code], [1, 'refused', 'unknown-occurrence']);
  const acked = await floor.command('ack-alert', { occurrence, comment: 'on my way' });
  assert.deepEqual([acked.code, acked.view.state], [0, 'done'], acked.stderr);
  const again = await floor.command('ack-alert', { occurrence });
  assert.deepEqual([again.code, again.view.code], [1, 'not-open']);
  const shelved = await floor.command('shelve', { occurrence, forS: 600 });
  assert.deepEqual([shelved.code, shelved.view.state], [0, 'done'], shelved.stderr);
  const tooLong = await floor.command('shelve', { occurrence, forS: 86_401 });
  assert.deepEqual([tooLong.code, tooLong.view.code], [1, 'body-invalid']);

  // At the gateway: who did it, under the alert itself, and every command as an event.
  const steps = floor.alertSteps();
  for (const transition of ['acked', 'shelved']) {
    const [, ...who] = (steps.find((step) => step.startsWith(transition)) ?? '').split(' ');
    assert.match(who.join(' '), actor, steps.join(', '));
  }
  assert.deepEqual(
    notes(floor).map(({ command, ok, code }) => [command, ok, code]),
    [
      ['ping', true, null],
      ['ack-alert', false, 'unknown-occurrence'],
      ['ack-alert', true, null],
      ['ack-alert', false, 'not-open'],
      ['shelve', true, null],
      ['shelve', false, 'body-invalid'],
    ],
  );
}

test('over the embedded broker a gateway answers ping, and acknowledges and shelves the alert that is named', async (t) => {
  const dir = temporaryDir(t);
  haveSyncedClock(dir);
  const floor = await runFloor(t, dir, 'embedded');
  await pingAndAlerts(floor);
  // The bridge's log and its list name who asked.
  assert.match(floor.bridge.stderr(), /"event":"command","gateway":"gw-1".*"command":"shelve","by":"local"/);
  await floor.agent.stop();
  await until('the bridge knows it is away', () =>
    rows(join(floor.bridgeDir, 'bridge.db'), 'SELECT online FROM status').includes('0'),
  );
  const away = await floor.command('ping');
  assert.deepEqual([away.code, away.view], [2, null]);
  assert.match(away.stderr, /^selvedge bridge: BRG-162 the gateway is not connected/);
});

test('over mosquitto as well; and what is repeated, late, of another time or forged does nothing', async (t) => {
  if (!requireProgram(t, 'mosquitto')) return;
  const dir = temporaryDir(t);
  haveSyncedClock(dir);
  const floor = await runFloor(t, dir, 'mosquitto');
  await pingAndAlerts(floor);
  // There is one connection of the user `bridge` at a time.
  await floor.bridge.stop();
  const hand = await handAt(t, floor);
  const { sign, ask } = hand;
  const executed = () => notes(floor).filter(({ ok }) => ok === true).length;

  const ping = sign({ kind: 'ping' });
  const first = await ask(ping);
  assert.deepEqual([first.ok, first.command], [true, sha256Hex(ping)]);
  const done = executed();
  assert.deepEqual(await ask(ping), first);
  assert.equal(executed(), done);

  assert.equal((await ask(sign({ kind: 'ping', counter: first.counter - 1, id: 'c-back' }))).code, 'counter-used');
  assert.equal((await ask(sign({ kind: 'ping', counter: first.counter, id: 'c-same' }))).code, 'counter-used');
  assert.equal((await ask(sign({ kind: 'ping', notAfterMs: Date.now() - 1 }))).code, 'expired');
  assert.equal((await ask(sign({ kind: 'ping', session: '0'.repeat(32) }))).code, 'wrong-session');
  assert.equal((await ask(sign({ kind: 'stop-machine' }))).code, 'unknown-kind');

  const good = JSON.parse(sign({ kind: 'ping' }).toString()) as Parameters<typeof signCommand>[0];
  const stranger = generateKeyPairSync('ed25519').privateKey;
  for (const [what, forged] of [
    ['another key', signCommand(good, stranger)],
    ['another kind under the same signature', { ...good, kind: 'shelve' }],
    ['another counter under the same signature', { ...good, counter: good.counter + 1 }],
    ['another time under the same signature', { ...good, notAfterMs: null }],
    ['another gateway', { ...good, gateway: 'gw-2' }],
    ['no command', { hello: 1 }],
  ] as const) {
    await hand.assertUnanswered(Buffer.from(JSON.stringify(forged)));
    assert.ok(what.length > 0);
  }
  assert.deepEqual(
    rows(
      join(dir, 'agent/journal.db'),
      "SELECT DISTINCT body ->> '$.data.reason' FROM event WHERE event = 'remote_dropped' ORDER BY 1",
    ),
    ['bad-signature', 'malformed', 'wrong-gateway'],
  );
  const before = executed();

  // After a kill the agent has another session; what it has answered it still answers the same way, and nothing is done again.
  const old = hand.session();
  await floor.agent.kill();
  await startAgent(t, floor.config);
  await until('a new session', () => hand.session() !== old);
  assert.deepEqual(await ask(ping), first);
  assert.equal((await ask(sign({ kind: 'ping', session: old }))).code, 'wrong-session');
  assert.equal((await ask(sign({ kind: 'ping', counter: first.counter + 1, id: 'c-old' }))).code, 'counter-used');
  assert.equal((await ask(sign({ kind: 'ping' }))).ok, true);
  assert.equal(executed(), before + 1);
});

test('a kill between counter and answer: the command is not carried out again, and that is said', async (t) => {
  const bridge = generateKeyPairSync('ed25519');
  const gateway = generateKeyPairSync('ed25519');
  const pem = (key: typeof bridge.privateKey, type: 'pkcs8' | 'spki') => String(key.export({ type, format: 'pem' }));
  const session = 'ab'.repeat(16);
  for (const how of ['hangs', 'does']) {
    const dataDir = join(temporaryDir(t), 'agent');
    const base = { v: 1, gateway: 'gw-1', id: 'c-1', session, counter: 7, kind: 'ping', notAfterMs: null } as const;
    const payload = JSON.stringify(signCommand({ ...base, body: '{"by":"x"}' }, bridge.privateKey));
    const keys = [pem(bridge.publicKey, 'spki'), pem(gateway.privateKey, 'pkcs8')];
    const killed = child(t, [dataDir, ...keys, payload, session, how]);
    assert.equal(await killed.line(), 'executes');
    const answer = how === 'does' ? await killed.line() : null;
    await killed.kill();
    const second = child(t, [dataDir, ...keys, payload, session, 'does']);
    const said = await second.line();
    // Not "executes".
    const result = commandResult.parse(JSON.parse(said));
    if (answer === null) assert.deepEqual([result.ok, result.code], [false, 'interrupted']);
    else assert.equal(said, answer);
    await second.kill();
  }
  assert.match(keyName(bridge.privateKey), /^[0-9a-f]{16}$/);
});

function child(t: TestContext, args: readonly string[]) {
  const script = join(import.meta.dirname, 'commands-killed-child.ts');
  const made = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(made, 'close');
  const lines = createInterface({ input: made.stdout })[Symbol.asyncIterator]();
  const kill = async () => {
    made.kill('SIGKILL');
    await closed;
  };
  t.after(kill);
  return { line: async () => String((await lines.next()).value), kill };
}
