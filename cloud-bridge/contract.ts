/**
 * The wire contract between a gateway and the bridge, version 1. The agent imports this file and nothing else of this
 * room. `docs/CONTRACT.md`, the JSON Schemas and the AsyncAPI document are generated from it.
 *
 * Invariants:
 *  C1  A record has its identity (gateway, boot, n) from the moment it is made; it never changes afterwards.
 *  C2  A batch is immutable bytes named (gateway, boot, seq, sha256 of the zstd bytes) and signed by the gateway.
 *  C3  A batch is ≤ 64 KiB on the wire and ≤ 1 MiB unpacked.
 *  C4  Everything needed to judge a message is in its payload; topic, QoS and retain flags carry no meaning of their own.
 *  C5  An ack names the batch by all four parts and is signed by the bridge; `stored` and `repeat` alone release a batch.
 *  C6  A file is named by its SHA-256 and travels in chunks of one length but the last; a chunk is signed with its own hash, so
 *      nobody else can put a byte into it, and it may be sent in any order, by any connection, and again.
 *  C7  A command is signed by the bridge over all its fields, and its result by the gateway over all of its own; a result names the
 *      command by the hash of its payload.
 */
import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';

export const contractVersion = 1;
export const maxBatchWireBytes = 64 * 1024;
export const maxBatchUnpackedBytes = 1024 * 1024;
/** The header line with its newline ends within this many bytes. */
export const maxUpHeaderBytes = 1024;
export const maxUpBytes = maxBatchWireBytes + maxUpHeaderBytes;
export const maxCommandBytes = 16 * 1024;
export const maxResultBytes = 60 * 1024;

const id = z.string().regex(/^[a-z0-9-]{1,40}$/);
const boot = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe('Random 64-bit number of one process start, in hex');
const seq = z.int().min(1).describe('Number of the batch within its boot');
const previousBoot = boot.nullable().describe('The boot before this one in the journal; null: an empty journal');
const utcMs = z.int().describe('UTC milliseconds');
const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('Of the zstd bytes, in hex');
const signature = z.string().min(1).describe('Ed25519, base64');

/** A picture is some 24 KiB; a window of raw readings may be more. */
export const maxEvidenceBytes = 4 * 1024 * 1024;
export const evidenceChunkBytes = 48 * 1024;
export const maxBlobBytes = evidenceChunkBytes + maxUpHeaderBytes;

/** Topics: selvedge/v1/{site}/{gateway}/{channel}, QoS 1, plain MQTT 3.1.1. */
export type Channel = 'up' | 'ack' | 'cmd' | 'res' | 'status' | 'blob';
export function topicOf(site: string, gateway: string, channel: Channel): string {
  return `selvedge/v1/${site}/${gateway}/${channel}`;
}
/** The site and gateway a topic names, or null when it is none of ours. */
export function parseTopic(topic: string): { site: string; gateway: string; channel: Channel } | null {
  const match = /^selvedge\/v1\/([a-z0-9-]{1,40})\/([a-z0-9-]{1,40})\/(up|ack|cmd|res|status|blob)$/.exec(topic);
  if (match === null) return null;
  const [, site = '', gateway = '', channel] = match;
  return { site, gateway, channel: channel as Channel };
}

export const machineStates = [
  'RUN',
  'IDLE',
  'STOP_MATERIAL',
  'FAULT',
  'SETUP',
  'MAINTENANCE',
  'OFFLINE',
  'UNKNOWN',
] as const;
export type MachineState = (typeof machineStates)[number];

const recordBase = {
  n: z.int().min(1).describe('Number of the record within its boot'),
  v: z.literal(1),
  machine: id,
  atMs: utcMs,
};

export const machineRecord = z.strictObject({
  ...recordBase,
  kind: z.literal('machine'),
  machineKind: z.string(),
  profile: z.string(),
  profileVersion: z.int(),
  line: z.string().nullable(),
  station: z.string().nullable(),
  identification: z.record(z.string(), z.string()),
  signals: z.array(
    z.strictObject({
      signal: z.string(),
      kind: z.enum(['gauge', 'counter', 'flag', 'code', 'text']),
      unit: z.string(),
    }),
  ),
});

/** The key of a partial: readers add partials of different (boot, segment), and keep the highest (revision, record boot, n) of one key. */
const summaryKey = {
  minuteMs: utcMs.describe('Start of the UTC minute'),
  readingBoot: boot.describe('Boot whose readings these are'),
  segment: z.int().min(0).describe('Clock segment; a wall-clock step of more than 2 s opens the next'),
  revision: z.int().min(1),
};
export const summaryRecord = z.strictObject({
  ...recordBase,
  kind: z.literal('summary'),
  ...summaryKey,
  signal: z.string(),
  samples: z.int().min(0).describe('Readings of any quality'),
  good: z.int().min(0).describe('Good readings'),
  sum: z.number().describe('Sum of good values'),
  integral: z.number().describe('Σ value × seconds held, over the covered seconds'),
  coveredS: z.number().min(0).describe('Seconds for which a good value was known'),
  min: z.number().nullable(),
  max: z.number().nullable(),
  first: z.number().nullable(),
  last: z.number().nullable(),
  /** Only for counters; null before there are two readings. Truth of the increase lies in [delta − uncertainty, delta + uncertainty]. */
  counter: z
    .strictObject({
      delta: z.number(),
      uncertainty: z.number().min(0),
      from: z.number().describe('Value at fromMs'),
      to: z.number().describe('Value at toMs'),
      fromMs: utcMs.describe(
        'UTC milliseconds of the first reading; where spans of two branches of a fork overlap, readers count it once',
      ),
      toMs: utcMs.describe('UTC milliseconds of the last reading'),
      wraps: z.int().min(0),
      resets: z.int().min(0),
    })
    .nullable(),
});
export const stateSummaryRecord = z.strictObject({
  ...recordBase,
  kind: z.literal('state-summary'),
  ...summaryKey,
  seconds: z
    .partialRecord(z.enum(machineStates), z.number().min(0))
    .describe(
      'Seconds by state on the monotonic clock. The partials of a minute add up to its 60 s, UNKNOWN included, since the machine was configured; a whole minute in which no agent ran has none',
    ),
  causes: z.record(z.string(), z.number().min(0)).describe('Seconds by canonical stop cause'),
});

/** Something that happened and is no alarm: a state change, a counter reset, a gap, an uplink outage, a clock step. */
export const eventRecord = z.strictObject({
  ...recordBase,
  machine: id.describe('Machine id, or "gateway"'),
  kind: z.literal('event'),
  event: z.string().regex(/^[a-z][a-z0-9_]*$/),
  phase: z.enum(['instant', 'opened', 'closed']),
  fromMs: utcMs.nullable().describe('Start of the span where there is one'),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

/**
 * `data` of an event `evidence`: a file that shows why, kept by the gateway under its hash. Its bytes follow on `blob` when
 * this record is stored.
 */
export const evidenceData = z.strictObject({
  sha256: sha256.describe('Of the file, in hex'),
  bytes: z.int().min(1).max(maxEvidenceBytes),
  mediaType: z.string().regex(/^[a-z]+\/[a-z0-9.+-]{1,80}$/),
  role: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/)
    .describe('What it shows: crop, heat_map, spectrogram, window …'),
  occurrence: z.string().nullable().describe('The alert it belongs to'),
});
export type EvidenceData = z.infer<typeof evidenceData>;

export const alertStates = [
  'normal',
  'active-unacked',
  'active-acked',
  'returned-unacked',
  'latched',
  'shelved',
  'suppressed-by-design',
  'out-of-service',
] as const;
export type AlertState = (typeof alertStates)[number];

/** One step in the life of one occurrence (ISA-18.2 / IEC 62682). */
export const alertRecord = z.strictObject({
  ...recordBase,
  kind: z.literal('alert'),
  occurrence: z.string().describe('Id of this activation; acks, comments and evidence name it'),
  type: z.string().regex(/^[a-z][a-z0-9_]*$/),
  rule: z.string(),
  signal: z.string().nullable(),
  priority: z.enum(['low', 'medium', 'high', 'urgent']),
  transition: z.enum([
    'raised',
    'acked',
    'returned',
    'closed',
    'shelved',
    'unshelved',
    'reactivated',
    'unverified',
    'suppressed',
    'removed',
    'verified',
  ]),
  state: z.enum(alertStates),
  onsetMs: utcMs.describe('When the condition began'),
  raisedMs: utcMs,
  clearedMs: utcMs.nullable(),
  cause: z.string().nullable(),
  text: z.string(),
  evidence: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  actor: z.string().nullable(),
});

export const wireRecord = z.discriminatedUnion('kind', [
  machineRecord,
  summaryRecord,
  stateSummaryRecord,
  eventRecord,
  alertRecord,
]);
export type WireRecord = z.infer<typeof wireRecord>;
export type MachineRecord = z.infer<typeof machineRecord>;
export type SummaryRecord = z.infer<typeof summaryRecord>;
export type StateSummaryRecord = z.infer<typeof stateSummaryRecord>;
export type EventRecord = z.infer<typeof eventRecord>;
export type AlertRecord = z.infer<typeof alertRecord>;

export const lanes = ['alerts', 'live', 'backlog', 'evidence'] as const;
export type Lane = (typeof lanes)[number];

/** The unpacked body of a batch: what the zstd bytes hold as JSON. All records are of the batch's own boot. */
export const batchBody = z.strictObject({
  v: z.literal(1),
  site: id,
  gateway: id,
  boot,
  previousBoot,
  seq,
  lane: z.enum(lanes).describe("Which of the gateway's queues it came by"),
  sealedMs: utcMs.describe("When it was sealed, UTC milliseconds on the gateway's clock"),
  clock: z
    .enum(['unsynced', 'synced', 'stepped'])
    .describe(
      "The gateway's clock when it was sealed; unsynced also where the times of its records are those of a clock that was never set and that nobody could put right",
    ),
  records: z.array(wireRecord).min(1),
});
export type BatchBody = z.infer<typeof batchBody>;

export const batchName = z.strictObject({ gateway: id, boot, seq, sha256 });
export type BatchName = z.infer<typeof batchName>;

/** First line of an `up` payload; then "\n" and the zstd bytes. */
export const upHeader = z.strictObject({
  v: z.int().min(1),
  ...batchName.shape,
  bytes: z.int().min(1).describe('Number of the zstd bytes'),
  sig: signature,
});
export type UpHeader = z.infer<typeof upHeader>;

export const ackResults = ['stored', 'repeat', 'later', 'refused'] as const;
/** Why a batch is not stored. A reader must take an unknown code as it takes the result it comes with. */
export const ackCodes = {
  conflict: 'refused: another batch with this gateway, boot and number is stored, with another hash',
  'bad-signature':
    'later: the signature does not hold with the key the gateway is registered with. Anybody may have sent it, so the answer says nothing about the batch of this name',
  malformed: 'refused: the signed bytes are no batch of this contract',
  'too-large': 'refused: over the size on the wire or the size unpacked',
  'unknown-version': 'later: a newer contract than this bridge knows; update the bridge',
  'unknown-gateway': 'later: the bridge has no registration of this gateway',
  revoked: 'later: the gateway was revoked; it may be enrolled again, and what it holds is kept until then',
  'wrong-site': 'later: the gateway is registered at another site than it sends as',
  damaged:
    'later: signed name and bytes do not belong together. Anybody may have changed them, so the answer says nothing about the batch of this name',
  busy: 'later: the bridge has as many batches waiting as it can hold',
  'store-down': 'later: the database cannot be written',
  'store-full': 'later: the disk under the database is full',
} as const;
export type AckCode = keyof typeof ackCodes;
export const ackMessage = z.strictObject({
  v: z.literal(1),
  ...batchName.shape,
  result: z.enum(ackResults),
  code: z.string().nullable().describe('For later and refused: why'),
  retryAfterS: z.number().min(0).nullable(),
  sig: signature,
});
export type AckMessage = z.infer<typeof ackMessage>;

/** First line of a `blob` payload; then "\n" and the bytes of the chunk. */
export const blobHeader = z.strictObject({
  v: z.int().min(1),
  gateway: id,
  sha256: sha256.describe('Of the whole file, in hex'),
  size: z.int().min(1).max(maxEvidenceBytes).describe('Bytes of the whole file'),
  chunk: z
    .int()
    .min(0)
    .describe(`From 0; every chunk has ${evidenceChunkBytes} bytes, but the last, which has the rest`),
  sig: signature,
});
export type BlobHeader = z.infer<typeof blobHeader>;
/** A chunk without its bytes: what is signed, with the hash of the bytes. */
export type ChunkName = Omit<BlobHeader, 'v' | 'sig'>;

/** A closed range of chunk numbers. */
export const chunkRange = z.tuple([z.int().min(0), z.int().min(0)]);
export type ChunkRange = z.infer<typeof chunkRange>;
export const blobResults = ['stored', 'part', 'later', 'refused'] as const;
/** Answer to a chunk, on `ack`. `stored`: the bridge has the whole file. `part`: it has what `held` says, and wants the rest. */
export const blobAckMessage = z.strictObject({
  v: z.literal(1),
  gateway: id,
  blob: sha256.describe('Of the whole file, in hex'),
  held: z.array(chunkRange).max(64).describe('Chunks the bridge has, in order; empty when it has the whole file'),
  result: z.enum(blobResults),
  code: z.string().nullable().describe('For later and refused: why'),
  retryAfterS: z.number().min(0).nullable(),
  sig: signature,
});
export type BlobAckMessage = z.infer<typeof blobAckMessage>;

/** Retained birth and will on `status`. The will is written at connect time, so a death can be older than the next birth. */
export const statusMessage = z.strictObject({
  v: z.literal(1),
  gateway: id,
  boot,
  previousBoot,
  connection: z.int().min(1).describe('Number of the connection within the boot'),
  online: z.boolean(),
  atMs: utcMs,
  agentVersion: z.string(),
  session: z.string().describe('Random challenge of this connection'),
  sig: signature
    .optional()
    .describe('Ed25519 of the gateway, base64. Absent it counts only at a broker that is the bridge’s own'),
});
export type StatusMessage = z.infer<typeof statusMessage>;

export const commandKinds = ['ping', 'ack-alert', 'shelve', 'set-config', 'request-window', 'request-bundle'] as const;
export type CommandKind = (typeof commandKinds)[number];

/** The body of a command or result is JSON as text, so that what is signed are these very characters. */
const maxCommandBodyChars = 8 * 1024;
const maxResultBodyChars = 40 * 1024;
/** What the bridge asks of a gateway, on `cmd`. None writes to a machine. */
export const commandMessage = z.strictObject({
  v: z.literal(1),
  gateway: id,
  id: id.describe('Name of this command; its result carries it'),
  session: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('The challenge of the birth of the connection it is for'),
  counter: z.int().min(1).describe('Higher than that of every command before it that was signed with this key'),
  kind: z
    .string()
    .regex(/^[a-z][a-z-]{0,39}$/)
    .describe('One of the kinds below; an unknown one is refused'),
  body: z.string().max(maxCommandBodyChars).describe('JSON text of an object'),
  notAfterMs: utcMs
    .nullable()
    .describe(
      "Not executed later than this. Judged by the gateway's clock while that is synced; otherwise, and where it is null, the session must be at most 10 minutes old",
    ),
  sig: signature,
});
export type CommandMessage = z.infer<typeof commandMessage>;

/** Why a command was not carried out, or how it stands. A reader must take an unknown code as it takes `ok`. */
export const commandCodes = {
  'unknown-version': 'refused: a newer contract than this agent knows; update the agent',
  'unknown-kind': 'refused: the agent has no such command',
  'wrong-session': 'refused: it is for another connection than the present one',
  'session-old':
    'refused: the clock of the gateway is not synced and its connection is over 10 minutes old; it connects anew, then send again',
  expired: 'refused: its time is over',
  'counter-used': 'refused: the counter is not above that of the last command',
  'body-invalid': 'refused: the body is not what this kind takes',
  busy: 'refused: too many commands are under way',
  'store-down': 'refused: the database of the gateway cannot be written',
  interrupted: 'unknown: the agent ended in the midst of it',
  failed: 'failed: the agent could not do it',
  'unknown-occurrence': 'refused: no alert of this occurrence is open',
  'not-open': 'refused: it changes nothing in the state of the alert',
  'not-remote': 'refused: a field may not be set from afar',
  'config-invalid': 'refused: the configuration with these changes would not be usable',
  'trial-running': 'refused: another change is on trial',
  'no-trial': 'refused: no such change is on trial',
  'on-trial': 'done: applied until it is confirmed with a ping, or rolled back',
  confirmed: 'done: what was on trial stays',
  'raw-off': 'refused: uplink.remoteRaw is off',
  asks: 'waits: somebody at the gateway has to allow it (selvedge remote); then send it again',
  denied: 'refused: somebody at the gateway has turned it down',
  'too-many-requests': 'refused: too many requests wait for somebody at the gateway',
  'not-in-ring': 'refused: the raw readings of this span are not there',
  'too-large': 'refused: the answer would be too large; ask for less',
} as const;
export type CommandCode = keyof typeof commandCodes;
/** The answer to a command, on `res`. A repeated command brings the same answer again, and is not executed again. */
export const commandResult = z.strictObject({
  v: z.literal(1),
  gateway: id,
  id,
  counter: z.int().min(1),
  command: sha256.describe('SHA-256 of the payload of the command it answers, in hex'),
  ok: z.boolean().describe('Carried out'),
  code: z
    .string()
    .regex(/^[a-z][a-z-]{0,39}$/)
    .nullable(),
  body: z.string().max(maxResultBodyChars).describe('JSON text of an object'),
  sig: signature,
});
export type CommandResult = z.infer<typeof commandResult>;

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What the gateway signs: the batch by its name, and by the hash all its bytes. */
export const batchSigningText = (n: BatchName): Buffer =>
  Buffer.from(`selvedge/v1/batch\n${n.gateway}\n${n.boot}\n${n.seq}\n${n.sha256}`);
/** What the bridge signs; an absent code or wait is an empty line. */
export const ackSigningText = (a: Omit<AckMessage, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/ack\n${a.gateway}\n${a.boot}\n${a.seq}\n${a.sha256}\n${a.result}\n${a.code ?? ''}\n${a.retryAfterS ?? ''}`,
  );

/** What the bridge signs of a command; the body by its hash, and an absent time is an empty line. */
export const commandSigningText = (c: Omit<CommandMessage, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/cmd\n${c.gateway}\n${c.id}\n${c.session}\n${c.counter}\n${c.kind}\n${c.notAfterMs ?? ''}\n${sha256Hex(Buffer.from(c.body))}`,
  );
/** What the gateway signs of a result. */
export const resultSigningText = (r: Omit<CommandResult, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/res\n${r.gateway}\n${r.id}\n${r.counter}\n${r.command}\n${r.ok}\n${r.code ?? ''}\n${sha256Hex(Buffer.from(r.body))}`,
  );

/** What the gateway signs of a birth or death; the site is the topic's. */
export const statusSigningText = (site: string, s: Omit<StatusMessage, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/status\n${site}\n${s.gateway}\n${s.boot}\n${s.previousBoot ?? ''}\n${s.connection}\n${s.online}\n${s.atMs}\n${s.session}\n${s.agentVersion}`,
  );

export function signStatus(site: string, status: Omit<StatusMessage, 'sig'>, key: KeyObject): StatusMessage {
  return { ...status, sig: sign(null, statusSigningText(site, status), key).toString('base64') };
}
export function statusSignatureHolds(site: string, status: StatusMessage, key: KeyObject): boolean {
  const { sig, ...rest } = status;
  return sig !== undefined && verify(null, statusSigningText(site, rest), key, Buffer.from(sig, 'base64'));
}
export function signBatch(name: BatchName, key: KeyObject): string {
  return sign(null, batchSigningText(name), key).toString('base64');
}
export function batchSignatureHolds(name: BatchName, sig: string, key: KeyObject): boolean {
  return verify(null, batchSigningText(name), key, Buffer.from(sig, 'base64'));
}
export function signAck(ack: Omit<AckMessage, 'sig'>, key: KeyObject): AckMessage {
  return { ...ack, sig: sign(null, ackSigningText(ack), key).toString('base64') };
}
export function ackSignatureHolds(ack: AckMessage, key: KeyObject): boolean {
  return verify(null, ackSigningText(ack), key, Buffer.from(ack.sig, 'base64'));
}

export function signCommand(command: Omit<CommandMessage, 'sig'>, key: KeyObject): CommandMessage {
  return { ...command, sig: sign(null, commandSigningText(command), key).toString('base64') };
}
export function commandSignatureHolds(command: CommandMessage, key: KeyObject): boolean {
  return verify(null, commandSigningText(command), key, Buffer.from(command.sig, 'base64'));
}
export function signResult(result: Omit<CommandResult, 'sig'>, key: KeyObject): CommandResult {
  return { ...result, sig: sign(null, resultSigningText(result), key).toString('base64') };
}
export function resultSignatureHolds(result: CommandResult, key: KeyObject): boolean {
  return verify(null, resultSigningText(result), key, Buffer.from(result.sig, 'base64'));
}

/** Puts the header line before the bytes. */
export function encodeUp(header: UpHeader, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(JSON.stringify(header) + '\n'), bytes]);
}
export type UpDecoded =
  | { readonly header: UpHeader; readonly bytes: Buffer }
  | {
      readonly error: 'malformed' | 'unknown-version' | 'too-large';
      /** The batch it calls itself, where that much can be read: what an answer must name. Nothing vouches for it but `sig`. */
      readonly name: BatchName | null;
      readonly sig: string | null;
      readonly bytes: Buffer;
    };
/** Splits an `up` payload, or says why it is none. The hash and the signature are the caller's to check. */
export function decodeUp(payload: Buffer): UpDecoded {
  const end = payload.subarray(0, maxUpHeaderBytes).indexOf(0x0a);
  let json: unknown = null;
  try {
    json = end < 0 ? null : JSON.parse(payload.toString('utf8', 0, end));
  } catch {
    // `json` stays null: no header.
  }
  // A later version may add fields to the header; name and signature stay what they are, so that it can be answered.
  const name = z.object(batchName.shape).safeParse(json).data ?? null;
  const sig = z.object({ sig: signature }).safeParse(json).data?.sig ?? null;
  const bytes = payload.subarray(end + 1);
  const failed = (error: 'malformed' | 'unknown-version' | 'too-large') => ({ error, name, sig, bytes });
  const version = z.object({ v: z.int().min(1) }).safeParse(json).data?.v ?? contractVersion;
  if (version !== contractVersion) return failed('unknown-version');
  if (payload.length > maxUpBytes) return failed('too-large');
  const header = upHeader.safeParse(json);
  if (!header.success || bytes.length !== header.data.bytes) return failed('malformed');
  return { header: header.data, bytes };
}

const pem = z.string().min(1).max(16_384);
const joinFields = {
  v: z.literal(1),
  gateway: id,
  site: id,
  enrolment: z.url({ protocol: /^https$/ }).describe('Where the certificate is fetched and renewed'),
  brokers: z.array(z.string().min(1)).min(1).max(8).describe('MQTT brokers of the bridge, in order'),
  ca: pem.describe('Certificate of the bridge’s authority; nobody else is believed'),
  caFingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of that certificate, in hex'),
  secret: z.string().min(40).max(100).describe('Good once'),
  expiresMs: utcMs,
};
/** What `bridge enrol` writes and `join` reads. */
export const joinFile = z.strictObject({
  ...joinFields,
  check: z.string().describe('SHA-256 of the fields before it'),
});
export type JoinFile = z.infer<typeof joinFile>;
/** Finds a file that was changed by mistake. Who changes it on purpose finds the bridge's own record in the way. */
export function joinCheck(file: Omit<JoinFile, 'check'>): string {
  const fields = Object.keys(joinFields) as (keyof typeof joinFields)[];
  return sha256Hex(Buffer.from(JSON.stringify(fields.map((field) => file[field]))));
}

const certificateRequest = pem.describe('PKCS 10 in PEM, for a P-256 key');
/** `POST /v1/join` */
export const joinRequest = z.strictObject({
  v: z.literal(1),
  gateway: id,
  site: id,
  secret: z.string().max(100),
  request: certificateRequest,
  publicKey: pem.describe('Ed25519, SPKI in PEM: batches are signed with it'),
  sig: signature.describe('By that key'),
});
export type JoinRequest = z.infer<typeof joinRequest>;
/** `POST /v1/renew`, over a connection with the certificate that is to be renewed. */
export const renewRequest = z.strictObject({
  v: z.literal(1),
  gateway: id,
  request: certificateRequest,
  publicKey: pem.describe('The key batches are signed with from now on'),
  sig: signature.describe('By that key'),
  previousSig: signature.describe('By the key before'),
});
export type RenewRequest = z.infer<typeof renewRequest>;
export const enrolAnswer = z.strictObject({
  v: z.literal(1),
  gateway: id,
  site: id,
  certificate: pem,
  bridgeKey: pem.describe('Answers are signed with its private half'),
  notAfterMs: utcMs,
});
export type EnrolAnswer = z.infer<typeof enrolAnswer>;
/** Why there is no certificate; HTTP status 403. */
export const enrolRefusals = ['unknown', 'used', 'expired', 'mismatch', 'revoked', 'malformed'] as const;
export type EnrolRefusalCode = (typeof enrolRefusals)[number];
export const enrolRefusal = z.object({ v: z.literal(1), refused: z.enum(enrolRefusals) });

/** What both signatures of a request for a certificate are over. */
export const enrolSigningText = (r: { gateway: string; request: string; publicKey: string }): Buffer =>
  Buffer.from(
    `selvedge/v1/enrol\n${r.gateway}\n${sha256Hex(Buffer.from(r.request))}\n${sha256Hex(Buffer.from(r.publicKey))}`,
  );

/** Chunks of a file of `size` bytes. */
export const chunkCount = (size: number): number => Math.ceil(size / evidenceChunkBytes);
/** Bytes of one of its chunks. */
export const chunkLength = (size: number, chunk: number): number =>
  Math.min(evidenceChunkBytes, size - chunk * evidenceChunkBytes);

/** What the gateway signs of a chunk: where it belongs, and by the hash all its bytes. */
export const chunkSigningText = (c: ChunkName, bytes: Uint8Array): Buffer =>
  Buffer.from(`selvedge/v1/blob\n${c.gateway}\n${c.sha256}\n${c.size}\n${c.chunk}\n${sha256Hex(bytes)}`);
export const blobAckSigningText = (a: Omit<BlobAckMessage, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/blob-ack\n${a.gateway}\n${a.blob}\n${a.held.map((range) => range.join('-')).join(',')}\n` +
      `${a.result}\n${a.code ?? ''}\n${a.retryAfterS ?? ''}`,
  );
export function signBlobAck(ack: Omit<BlobAckMessage, 'sig'>, key: KeyObject): BlobAckMessage {
  return { ...ack, sig: sign(null, blobAckSigningText(ack), key).toString('base64') };
}
export function blobAckSignatureHolds(ack: BlobAckMessage, key: KeyObject): boolean {
  return verify(null, blobAckSigningText(ack), key, Buffer.from(ack.sig, 'base64'));
}
export function chunkSignatureHolds(
  { sig, ...name }: Omit<BlobHeader, 'v'>,
  bytes: Uint8Array,
  key: KeyObject,
): boolean {
  return verify(null, chunkSigningText(name, bytes), key, Buffer.from(sig, 'base64'));
}

/** A `blob` payload: the signed header line before the bytes. */
export function encodeBlob(name: ChunkName, bytes: Uint8Array, key: KeyObject): Buffer {
  const sig = sign(null, chunkSigningText(name, bytes), key).toString('base64');
  return Buffer.concat([Buffer.from(JSON.stringify({ v: contractVersion, ...name, sig }) + '\n'), bytes]);
}
/** Splits a `blob` payload, or gives null when it is none of this version. The signature is the caller's to check. */
export function decodeBlob(payload: Buffer): { readonly header: BlobHeader; readonly bytes: Buffer } | null {
  if (payload.length > maxBlobBytes) return null;
  const end = payload.subarray(0, maxUpHeaderBytes).indexOf(0x0a);
  if (end < 0) return null;
  try {
    const { data } = blobHeader.safeParse(JSON.parse(payload.toString('utf8', 0, end)));
    if (data === undefined || data.v !== contractVersion || data.chunk >= chunkCount(data.size)) return null;
    const bytes = payload.subarray(end + 1);
    return bytes.length === chunkLength(data.size, data.chunk) ? { header: data, bytes } : null;
  } catch {
    return null;
  }
}
