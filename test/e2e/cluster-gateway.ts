/**
 * Gateways that load a cluster: batches made by hand from docs/CONTRACT.md, with no code of the product. Each keeps what is not
 * acknowledged and sends it again, as the document asks; some it sends twice at once, and some again after they were stored.
 */
import { createHash, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import mqtt, { type MqttClient } from 'mqtt';

const site = 'demo';
const boot = '00000000000000aa';
const startMs = Date.UTC(2026, 9, 5, 6, 0, 0);
/** Sent at once and not answered; and how long an answer is waited for. */
const window = 4;
const answerWithinMs = 2_500;
const longestPauseMs = 500;

export interface TruthRow {
  readonly gateway: string;
  readonly n: number;
  /** Of the table its kind of record is kept in. */
  readonly kind: 'machine' | 'event' | 'alert' | 'summary' | 'state-summary';
  /** Something of its content that no other record has. */
  readonly mark: number;
}

/** The records of batch `seq`: `each` of them, every kind among them, numbered on from the batch before. */
function recordsOf(gateway: string, seq: number, each: number): { records: object[]; truth: TruthRow[] } {
  const records: object[] = [];
  const truth: TruthRow[] = [];
  for (let at = 0; at < each; at += 1) {
    const n = (seq - 1) * each + at + 1;
    const atMs = startMs + n * 250;
    const mark = n * 7 + 1;
    const base = { n, v: 1, machine: `m-${n % 5}`, atMs };
    // A key of its own for each, so that every record of them is a row.
    const key = { minuteMs: startMs + n * 60_000, readingBoot: boot, segment: 0, revision: 1 };
    const kinds = {
      machine: {
        machineKind: 'lockstitch',
        profile: 'p',
        profileVersion: mark,
        line: null,
        station: null,
        identification: {},
        signals: [],
      },
      event: { event: 'state_changed', phase: 'instant', fromMs: mark, data: { mark } },
      alert: {
        occurrence: `o-${Math.floor(n / 10)}`,
        type: 'thread_break',
        rule: 'r',
        signal: null,
        priority: 'high',
        transition: 'raised',
        state: 'active-unacked',
        onsetMs: mark,
        raisedMs: startMs,
        clearedMs: null,
        cause: null,
        text: `Fadenbruch ${mark}`,
        evidence: {},
        actor: null,
      },
      summary: {
        ...key,
        signal: 'spm',
        samples: mark,
        good: 1,
        sum: 0.1 * mark,
        integral: 60,
        coveredS: 60,
        min: 0,
        max: 1,
        first: 0,
        last: 1,
        counter: null,
      },
      'state-summary': { ...key, seconds: { RUN: mark % 60 }, causes: {} },
    } as const;
    const [kind, fields] = (Object.entries(kinds) as [TruthRow['kind'], object][])[at % 5] ?? ['event', {}];
    records.push({ ...base, kind, ...fields });
    truth.push({ gateway, n, kind, mark: kind === 'state-summary' ? mark % 60 : mark });
  }
  return { records, truth };
}

export interface Answers {
  readonly stored: number;
  readonly repeat: number;
  readonly later: number;
  readonly refused: number;
  readonly unanswered: number;
}

interface Batch {
  readonly seq: number;
  readonly payload: Buffer;
  readonly sha256: string;
}

export interface LoadHooks {
  /** After each batch that was released. */
  readonly onStored: () => void;
  /** Before each new batch: resolves when it may be sent. */
  readonly admit: (signal: AbortSignal) => Promise<void>;
}

export class LoadGateway {
  readonly id: string;
  readonly publicKeyPem: string;
  readonly truth: TruthRow[] = [];
  readonly answers = { stored: 0, repeat: 0, later: 0, refused: 0, unanswered: 0 };
  readonly #key: KeyObject;
  readonly #each: number;
  readonly #batches: number;
  readonly #hooks: LoadHooks;
  readonly #waiting = new Map<number, (result: string) => void>();

  constructor(id: string, batches: number, each: number, hooks: LoadHooks) {
    this.id = id;
    this.#batches = batches;
    this.#each = each;
    this.#hooks = hooks;
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
    this.#key = privateKey;
  }

  /** Sends all batches; resolves when each was answered `stored` or `repeat`, or rejects when the signal says that it took too long. */
  async run(port: number, password: string, bridgePublicPem: string, signal: AbortSignal): Promise<void> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { username: this.id, password });
    try {
      const bridgeKey = createPublicKey(bridgePublicPem);
      const released = new Map<number, Batch>();
      client.on('message', (_topic, payload) => this.#onAck(payload, bridgeKey));
      await client.subscribeAsync(`selvedge/v1/${site}/${this.id}/ack`, { qos: 1 });
      let next = 1;
      const lane = async () => {
        while (next <= this.#batches) {
          signal.throwIfAborted();
          const seq = next;
          next += 1;
          await this.#hooks.admit(signal);
          const batch = this.#seal(seq);
          await this.#deliver(client, batch, signal);
          released.set(batch.seq, batch);
          this.#hooks.onStored();
          // A copy of the gateway that was put back sends what is stored already.
          if (batch.seq % 5 === 0) await this.#deliver(client, released.get(batch.seq - 2) ?? batch, signal);
        }
      };
      await Promise.all(Array.from({ length: window }, lane));
    } finally {
      await client.endAsync(true);
    }
  }

  async #deliver(client: MqttClient, batch: Batch, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const answered = new Promise<string>((resolve) => {
        const overdue = setTimeout(() => resolve('unanswered'), answerWithinMs);
        this.#waiting.set(batch.seq, (result) => {
          clearTimeout(overdue);
          resolve(result);
        });
      });
      const topic = `selvedge/v1/${site}/${this.id}/up`;
      const copies = batch.seq % 4 === 0 ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) await client.publishAsync(topic, batch.payload, { qos: 1 });
      const result = await answered;
      this.#waiting.delete(batch.seq);
      this.answers[result as keyof Answers] += 1;
      if (result === 'stored' || result === 'repeat') return;
      if (result === 'refused') throw new TypeError(`batch ${batch.seq} of ${this.id} was refused`);
      await new Promise((resolve) => setTimeout(resolve, longestPauseMs));
    }
  }

  #onAck(payload: Buffer, bridgeKey: KeyObject): void {
    const ack = JSON.parse(payload.toString()) as Record<string, string | number | null>;
    const words = ['gateway', 'boot', 'seq', 'sha256', 'result', 'code', 'retryAfterS'].map((name) => ack[name] ?? '');
    const holds = verify(
      null,
      Buffer.from(['selvedge/v1/ack', ...words].join('\n')),
      bridgeKey,
      Buffer.from(String(ack['sig']), 'base64'),
    );
    if (!holds) throw new TypeError(`an answer to ${this.id} is not signed by the bridge`);
    this.#waiting.get(Number(ack['seq']))?.(String(ack['result']));
  }

  #seal(seq: number): Batch {
    const { records, truth } = recordsOf(this.id, seq, this.#each);
    this.truth.push(...truth);
    const body = {
      v: 1,
      site,
      gateway: this.id,
      boot,
      previousBoot: null,
      seq,
      lane: 'live',
      sealedMs: startMs + seq,
      clock: 'synced',
      records,
    };
    const bytes = zstdCompressSync(Buffer.from(JSON.stringify(body)));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const signed = Buffer.from(['selvedge/v1/batch', this.id, boot, seq, sha256].join('\n'));
    const sig = sign(null, signed, this.#key).toString('base64');
    const header = JSON.stringify({ v: 1, gateway: this.id, boot, seq, sha256, bytes: bytes.length, sig });
    return { seq, sha256, payload: Buffer.concat([Buffer.from(`${header}\n`), bytes]) };
  }
}
