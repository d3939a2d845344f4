/**
 * A desk of commands over a store on disk, in a process that the test kills: takes one command from its arguments, says when it
 * begins to carry it out, and does so as `how` says.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { RemoteDesk, type Outcome } from '../../agent/remote/desk.ts';
import { openStore } from '../../agent/store/open.ts';

const [dataDir = '', bridgePem = '', gatewayPem = '', payload = '', session = '', how = ''] = process.argv.slice(2);
const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
const say = (line: string) => void process.stdout.write(`${line}\n`);
const store = await openStore({ dataDir, clock });
const desk = new RemoteDesk({
  gateway: 'gw-1',
  keys: [createPublicKey(bridgePem)],
  gatewayKey: () => createPrivateKey(gatewayPem),
  store,
  clock,
  clockState: () => 'synced',
  execute: async (): Promise<Outcome> => {
    say('executes');
    return how === 'hangs' ? await new Promise(() => undefined) : { ok: true, code: null, body: { done: true } };
  },
  note: () => undefined,
  log: () => undefined,
});
const { answer } = await desk.receive(Buffer.from(payload), { id: session, sinceMs: clock.monotonicMs() });
say(answer ?? 'nothing');
// Alive until it is killed, with its answer not sent.
setInterval(() => undefined, 60_000);
