/** The example of each message in `docs/CONTRACT.md`, and what each command is for. */
import type * as contract from '../../cloud-bridge/contract.ts';

export const exampleName: contract.BatchName = {
  gateway: 'gw-1',
  boot: '00112233445566aa',
  seq: 7,
  sha256: 'ab'.repeat(32),
};
export const exampleStatus = {
  v: 1,
  gateway: exampleName.gateway,
  boot: exampleName.boot,
  previousBoot: null,
  connection: 3,
  online: true,
  atMs: 1_767_600_000_000,
  agentVersion: '0.1.0',
  session: '00112233445566778899aabbccddeeff',
} as const;
export const exampleAck = { v: 1, ...exampleName, result: 'later', code: 'store-full', retryAfterS: 60 } as const;
export const exampleCommand = {
  v: 1,
  gateway: 'gw-1',
  id: 'c-17',
  session: '0f'.repeat(16),
  counter: 17,
  kind: 'ping',
  body: '{}',
  notAfterMs: null,
} as const;
export const exampleResult = {
  v: 1,
  gateway: 'gw-1',
  id: 'c-17',
  counter: 17,
  command: 'cd'.repeat(32),
  ok: true,
  code: null,
  body: '{}',
} as const;
export const commandBodies: Readonly<Record<contract.CommandKind, readonly [body: string, what: string]>> = {
  ping: [
    '`{confirms?}`',
    'Answers with the state of the agent. `confirms` is the id of a `set-config` on trial, which is kept from then on.',
  ],
  'ack-alert': [
    '`{occurrence, comment?}`',
    'Acknowledges an alert. Its actor is `bridge key`, the fingerprint of the key and `by`.',
  ],
  shelve: ['`{occurrence, forS, comment?}`', 'Shelves an alert for 60 to 86,400 s.'],
  'set-config': [
    '`{changes: [{path, value}]}`',
    'Sets up to 50 fields that CONFIG.md marks *remote*, on trial. `path` is an array of names, a machine goes by its id; `value` null takes an earlier change back.',
  ],
  'request-window': [
    '`{machine, signal, fromMs, toMs}`',
    'Raw readings of one signal, of at most an hour, as `uplink.remoteRaw` allows: `{t0, t, v, q}`, where `t` counts ms from the reading before, `q` lists `[index, quality]` of those that are not good. The newest reading before `fromMs` comes first.',
  ],
  'request-bundle': [
    '`{}`',
    'How the agent is, what its doctor finds and the last lines of its log, as `uplink.remoteRaw` allows. What does not fit of the log is left out, the oldest first.',
  ],
};
export const exampleChunk = { gateway: 'gw-1', sha256: 'ab'.repeat(32), size: 60_000, chunk: 1 } as const;
export const exampleBlobAck: Omit<contract.BlobAckMessage, 'sig'> = {
  v: 1,
  gateway: 'gw-1',
  blob: 'ab'.repeat(32),
  held: [
    [0, 0],
    [3, 5],
  ],
  result: 'part',
  code: null,
  retryAfterS: null,
};
