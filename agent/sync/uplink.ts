/**
 * Brings sealed batches to the bridge and lets go of them on its signed answer. The decisions are pure (`window.ts`, `outage.ts`);
 * this file owns the connection, the timer and the calls to the store.
 *
 * Invariants (test/unit/sync/, test/integration/sync*.test.ts):
 *  U1  A batch is released only by an answer signed by the bridge that names it by gateway, boot, seq and hash.
 *  U2  Nothing that waits is lost by a disconnect, a restart or a full disk: the store has it until then.
 *  U3  After `stop` resolves, within 1 s, no socket, timer or listener is left.
 *  U5  While `waitsFor` names a reason nothing is sealed, sent or connected, and no outage begins.
 *  U4  Trouble never throws at the user: it is a state in `view()`, a log line and a retry.
 */
import { randomBytes } from 'node:crypto';
import {
  contractVersion,
  encodeUp,
  signBatch,
  signStatus,
  topicOf,
  type Lane,
  type StatusMessage,
} from '../../cloud-bridge/contract.ts';
import type { BackoffOptions } from '../../drivers/contract.ts';
import { agentErrors } from '../errors.ts';
import type { UplinkView } from '../live.ts';
import type { BatchKey, SealedBatch } from '../store/outbox.ts';
import { believedAnswer } from './answers.ts';
import { nextBroker, reconnectMs, returnMs, spreadRetryAfterS } from './brokers.ts';
import { EvidenceSender } from './evidence.ts';
import { checkUplinkUrl, openLink, type Link } from './link.ts';
import { noOutage, outageDueMs, stepOutage, type Instant, type OutageEvent } from './outage.ts';
import type { Identity, Uplink, UplinkCounters, UplinkOptions } from './uplink-ports.ts';
import { Waiting } from './waiting.ts';
import {
  emptyWindow,
  nameOf,
  nextTickMs,
  saysNothing,
  stepWindow,
  type Answer,
  type WindowEffect,
  type WindowEvent,
} from './window.ts';

/** Alerts ahead of all, fresh minutes beside a backlog that has its fixed share; the bytes of evidence go by their own channel (`evidence.ts`). */
const defaultSlots: Readonly<Record<Lane, number>> = { alerts: 4, live: 3, backlog: 5, evidence: 1 };
/** Doubling would notice the bridge late by the whole outage; 1.3 keeps it to about a sixth, and the tries of a day to some thousands. */
const defaultReconnect: BackoffOptions = { minMs: 500, maxMs: 30_000, factor: 1.3 };
const connectTimeoutMs = 10_000;
const pollMs = 5_000;
const goodbyeMs = 400;
/** Waiting alerts beyond this are history; the snapshot of what is active now goes before them. */
const snapshotAfterRecords = 1_000;

export function createUplink(options: UplinkOptions): Uplink {
  return new MqttUplink(options);
}

class MqttUplink implements Uplink {
  readonly #o: UplinkOptions;
  readonly #waiting: Waiting;
  readonly #evidence: EvidenceSender;
  #windowOptions: Parameters<typeof stepWindow>[3];
  #minuteLingerMs: number;
  readonly #outageAfterMs: number;
  #window = emptyWindow();
  #outage = noOutage({ wallMs: 0, monotonicMs: 0 });
  readonly #bytes = new Map<string, SealedBatch>();
  #link: Link | null = null;
  #ready = false;
  #running = false;
  #begun = false;
  #reason: string | null = 'not-yet-connected';
  #sinceMs: number | null = null;
  #attempt = 0;
  #connections = 0;
  #sent = 0;
  #invalidAcks = 0;
  #disbelieves = false;
  #tick: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #stopping: Promise<void> | null = null;
  readonly #urls: readonly string[];
  readonly #renewal: { start(): void; stop(): void } | null;
  /** Index of the broker that is connected, or tried. */
  #at = 0;
  #identity: Identity;
  /** A connection to the first broker while another one still works. */
  #candidate: Link | null = null;
  #returning: NodeJS.Timeout | null = null;

  constructor(options: UplinkOptions) {
    this.#o = options;
    this.#urls = [options.url, ...(options.moreUrls ?? [])];
    this.#identity = { gatewayKey: options.gatewayKey, certificate: null };
    this.#renewal = options.renewal?.(() => this.#link?.drop('certificate-renewed')) ?? null;
    this.#waiting = new Waiting(options, () => this.#ready);
    this.#windowOptions = {
      slots: { ...defaultSlots, ...options.slots },
      ackTimeoutMs: options.ackTimeoutMs ?? 10_000,
      lingerMs: options.lingerMs ?? 1_000,
      pollMs,
    };
    this.#minuteLingerMs = options.minuteLingerMs ?? 0;
    this.#evidence = new EvidenceSender({
      ...options,
      gatewayKey: () => this.#identity.gatewayKey,
      ackTimeoutMs: this.#windowOptions.ackTimeoutMs,
      pollMs,
      publish: (payload) => this.#link?.publish(this.#topic('blob'), payload, false),
      onSettled: () => this.#waiting.fileSettled(),
      onChange: () => this.#schedule(),
    });
    this.#outageAfterMs = options.outageAfterMs ?? 30_000;
  }

  async start(signal: AbortSignal): Promise<void> {
    for (const url of this.#urls) checkUplinkUrl(url);
    if (signal.aborted) return;
    this.#running = true;
    signal.addEventListener('abort', () => void this.stop(), { once: true });
    this.#sinceMs = this.#o.clock.wallMs();
    await this.#waiting.start(
      () => this.#feed({ kind: 'committed' }),
      () => this.#begin(),
    );
  }

  /** Connects, unless something is to be waited for; then it is asked again with the next turn of the housekeeping. */
  #begin(): boolean {
    const why = this.#o.waitsFor?.() ?? null;
    if (why !== null) {
      if (this.#reason !== why) this.#o.log('warn', 'uplink waits', { reason: why, ...told('clockNotSet') });
      this.#reason = why;
      return false;
    }
    this.#begun = true;
    this.#reason = 'not-yet-connected';
    this.#outage = noOutage(this.#now());
    this.#sinceMs = this.#o.clock.wallMs();
    this.#renewal?.start();
    this.#connect();
    this.#schedule();
    return true;
  }

  hurry(): void {
    this.#windowOptions = { ...this.#windowOptions, lingerMs: 0 };
    this.#minuteLingerMs = 0;
    this.#feed({ kind: 'committed' });
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#running = false;
    this.#waiting.stop();
    this.#renewal?.stop();
    for (const timer of [this.#tick, this.#retry, this.#returning]) if (timer !== null) clearTimeout(timer);
    this.#candidate?.drop('stopped');
    this.#candidate = null;
    const link = this.#link;
    this.#link = null;
    if (link === null) return;
    if (this.#ready) link.publish(this.#topic('status'), JSON.stringify(this.#status(false, '')), true);
    this.#ready = false;
    await link.end(goodbyeMs);
  }

  view(): UplinkView {
    const { counts } = this.#waiting;
    return {
      configured: true,
      connected: this.#ready,
      sinceMs: this.#sinceMs,
      reason: this.#reason,
      outboxRecords: counts?.records ?? 0,
      outboxBatches: counts?.batches ?? 0,
      outboxFiles: counts?.files ?? 0,
      oldestUnackedMs: counts?.oldestMs ?? null,
      acked: counts?.acked ?? 0,
      redelivered: counts?.redelivered ?? 0,
      deadLetters: counts?.dead ?? 0,
    };
  }

  counters(): UplinkCounters {
    return {
      sent: this.#sent,
      invalidAcks: this.#invalidAcks,
      connections: this.#connections,
      outage: this.#outage.trouble?.open ?? false,
    };
  }

  #connect(): void {
    this.#retry = null;
    if (!this.#readIdentity()) {
      this.#onClosed({ reason: 'key-unusable', refused: true });
      return;
    }
    this.#link = this.#open(this.#at);
  }

  #open(at: number): Link {
    this.#connections++;
    const session = randomBytes(16).toString('hex');
    const sinceMs = this.#o.clock.monotonicMs();
    const link = openLink(
      {
        url: this.#urls[at] ?? this.#o.url,
        gateway: this.#o.gateway,
        password: this.#o.password,
        ca: this.#o.ca ?? null,
        certificate: this.#identity.certificate,
        keepaliveS: this.#o.keepaliveS ?? 15,
        connectTimeoutMs,
        will: { topic: this.#topic('status'), payload: JSON.stringify(this.#status(false, session)) },
        subscribeTo: this.#o.onCommand === undefined ? [this.#topic('ack')] : [this.#topic('ack'), this.#topic('cmd')],
      },
      {
        onReady: () => {
          if (link === this.#candidate) this.#moveTo(link);
          void this.#onReady(link, session);
        },
        onMessage: (topic, payload) => {
          if (topic === this.#topic('cmd')) void this.#onCommand(link, payload, { id: session, sinceMs });
          else this.#onAck(payload);
        },
        onClosed: (closed) => {
          if (link === this.#candidate) {
            this.#candidate = null;
            this.#returnLater();
          } else if (link === this.#link || this.#link === null) this.#onClosed(closed);
        },
      },
    );
    return link;
  }

  #readIdentity(): boolean {
    try {
      if (this.#o.identity !== undefined) this.#identity = this.#o.identity();
      return true;
    } catch (error) {
      this.#o.log('error', 'the key or certificate of the uplink cannot be used', {
        error: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
  }

  /** The first broker is tried beside the one that works, which is left only for a connection that stands. */
  #returnLater(): void {
    if (this.#returning !== null) clearTimeout(this.#returning);
    this.#returning = null;
    if (this.#at === 0 || !this.#running) return;
    this.#returning = setTimeout(
      () => {
        this.#returning = null;
        if (this.#ready && this.#candidate === null) this.#candidate = this.#open(0);
      },
      this.#o.returnMs?.(this.#o.random()) ?? returnMs(this.#o.random()),
    );
  }

  #moveTo(link: Link): void {
    const old = this.#link;
    this.#candidate = null;
    this.#link = link;
    this.#at = 0;
    this.#ready = false;
    this.#bytes.clear();
    this.#feed({ kind: 'disconnected' });
    void old?.end(goodbyeMs);
  }

  async #onReady(link: Link, session: string): Promise<void> {
    link.publish(this.#topic('status'), JSON.stringify(this.#status(true, session)), true);
    // With a long history of alerts waiting, what is active now goes ahead of it.
    const snapshot =
      (this.#waiting.counts?.unsealed.alerts ?? 0) > snapshotAfterRecords ? await this.#waiting.snapshot() : [];
    if (this.#link !== link || !this.#running) return;
    this.#ready = true;
    this.#attempt = 0;
    this.#returnLater();
    this.#reason = null;
    this.#sinceMs = this.#o.clock.wallMs();
    this.#o.log('info', 'uplink connected', { connection: this.#connections });
    this.#watch({ kind: 'connected' });
    this.#feed({ kind: 'connected' }, snapshot);
    this.#evidence.feed({ kind: 'connected' });
  }

  #onClosed({ reason, refused }: { reason: string; refused: boolean }): void {
    this.#link = null;
    if (!this.#running) return;
    const lost = this.#ready;
    this.#ready = false;
    if (this.#returning !== null) clearTimeout(this.#returning);
    this.#returning = null;
    this.#candidate?.drop('broker-lost');
    this.#candidate = null;
    if (lost || this.#reason !== reason) {
      this.#sinceMs = lost ? this.#o.clock.wallMs() : this.#sinceMs;
      this.#o.log(refused ? 'error' : 'warn', 'uplink not connected', {
        reason,
        ...told(refused ? 'uplinkRefused' : 'uplinkUnreachable'),
      });
    }
    this.#reason = reason;
    this.#bytes.clear();
    this.#watch({ kind: 'disconnected', reason });
    this.#feed({ kind: 'disconnected' });
    this.#evidence.feed({ kind: 'disconnected' });
    const reconnect = this.#o.reconnect ?? defaultReconnect;
    // A refusal needs a person: asking fast would only fill the broker's log.
    const minMs = refused ? reconnect.maxMs : reconnect.minMs;
    this.#at = nextBroker(this.#at, this.#urls.length);
    const delayMs = reconnectMs({ ...reconnect, minMs }, ++this.#attempt, this.#urls.length, this.#o.random);
    this.#retry = setTimeout(() => this.#connect(), delayMs);
  }

  async #onCommand(link: Link, payload: Buffer, session: { id: string; sinceMs: number }): Promise<void> {
    const reply = await this.#o.onCommand?.(payload, session);
    // By another connection the bridge asks again, and is given the stored answer.
    if (reply === undefined || this.#link !== link) return;
    if (reply.answer !== null) {
      link.publish(this.#topic('res'), reply.answer, false, () => {
        if (reply.renewSession) link.drop('session-renewed');
      });
    }
  }

  #onAck(payload: Buffer): void {
    const believed = believedAnswer(payload, this.#o.gateway, this.#o.bridgeKey);
    if (believed === null) {
      this.#invalidAcks++;
      // Once is enough until the bridge itself is heard: with a wrong key every batch brings one.
      this.#o.log(this.#disbelieves ? 'debug' : 'error', 'an answer that is not the bridge’s was ignored', {
        invalidAcks: this.#invalidAcks,
        ...told('uplinkAckInvalid'),
      });
      this.#disbelieves = true;
      return;
    }
    this.#disbelieves = false;
    if (believed.to === 'file') {
      this.#evidence.answered(believed.ack);
      return;
    }
    const { ack } = believed;
    const { boot, seq, sha256, result, code } = ack;
    const retryAfterS = ack.retryAfterS === null ? null : spreadRetryAfterS(ack.retryAfterS, this.#o.random());
    const answer: Answer = { boot, seq, sha256, result, code, retryAfterS };
    const isDoubt = saysNothing(answer);
    const reason = isDoubt
      ? `the bridge does not believe a batch of this name: ${code}`
      : `the bridge asks to wait: ${code ?? 'no reason given'}`;
    if (isDoubt && this.#reason !== reason) this.#o.log('warn', reason, { boot, seq, ...told('uplinkDoubted') });
    if (result === 'later') this.#reason = reason;
    else if (this.#ready) this.#reason = null;
    if (!isDoubt) this.#watch({ kind: 'answered' });
    this.#feed({ kind: 'answer', answer });
  }

  /** Steps the window. A snapshot is in flight before the effects of its connection are carried out, so it is published first. */
  #feed(event: WindowEvent, snapshot: readonly SealedBatch[] = []): void {
    if (!this.#running || !this.#begun) return;
    const { state, effects } = stepWindow(this.#window, event, this.#o.clock.monotonicMs(), this.#windowOptions);
    this.#window = state;
    if (snapshot.length > 0) this.#take(state.epoch, 'alerts', snapshot);
    for (const effect of effects) this.#carryOut(effect);
    this.#schedule();
  }

  #carryOut(effect: WindowEffect): void {
    switch (effect.kind) {
      case 'load':
        void this.#load(effect);
        return;
      case 'publish':
        this.#publish(effect.flight, effect.flight);
        return;
      case 'settle':
        void this.#settle(effect.settlement);
        return;
    }
  }

  async #load({ epoch, lane, limit, exclude }: Extract<WindowEffect, { kind: 'load' }>): Promise<void> {
    const linger = { lingerMs: this.#windowOptions.lingerMs, minuteLingerMs: this.#minuteLingerMs };
    const batches = await this.#waiting.take(lane, limit, exclude, linger);
    if (batches === null) this.#feed({ kind: 'load-failed', epoch, lane });
    else this.#take(epoch, lane, batches);
  }

  #take(epoch: number, lane: Lane, batches: readonly SealedBatch[]): void {
    if (epoch !== this.#window.epoch || !this.#window.connected) return;
    for (const batch of batches) this.#bytes.set(nameOf(batch), batch);
    this.#feed({ kind: 'loaded', epoch, lane, batches });
  }

  #publish(key: BatchKey, { sends, firstSentMs }: { readonly sends: number; readonly firstSentMs: number }): void {
    const batch = this.#bytes.get(nameOf(key));
    if (batch === undefined || this.#link === null) return;
    const name = { gateway: this.#o.gateway, boot: batch.boot, seq: batch.seq, sha256: batch.sha256 };
    const sig = signBatch(name, this.#identity.gatewayKey);
    const header = { v: contractVersion, ...name, bytes: batch.bytes.length, sig };
    this.#sent++;
    this.#link.publish(this.#topic('up'), encodeUp(header, batch.bytes), false);
    const { wallMs, monotonicMs } = this.#now();
    this.#waiting.noteSent(batch, sends);
    const first = { monotonicMs: firstSentMs, wallMs: wallMs - (monotonicMs - firstSentMs) };
    this.#watch({ kind: 'sent', sends, first });
  }

  async #settle(settlement: Extract<WindowEffect, { kind: 'settle' }>['settlement']): Promise<void> {
    const changed = await this.#waiting.settle(settlement);
    if (changed === null) {
      this.#feed({ kind: 'settle-failed', key: settlement });
      return;
    }
    if (settlement.result === 'later') return;
    this.#bytes.delete(nameOf(settlement));
    if (changed && settlement.result === 'refused') {
      const { boot, seq, code } = settlement;
      this.#o.log('error', 'the bridge refused a batch; it is kept as a dead letter', { boot, seq, code });
      this.#o.onDeadLetter?.({ boot, seq, code });
    }
    this.#feed({ kind: 'settled', key: settlement });
    // The records of a file may be with the bridge now.
    if ((this.#waiting.counts?.files ?? 0) > 0) this.#evidence.feed({ kind: 'committed' });
  }

  /** Tells the outage watch, and passes on what it finds. */
  #watch(event: OutageEvent): void {
    const { state, outage } = stepOutage(this.#outage, event, this.#now(), this.#outageAfterMs);
    this.#outage = state;
    if (outage === null) return;
    this.#o.log('warn', `uplink outage ${outage.phase}`, {
      fromMs: outage.fromMs,
      toMs: outage.toMs,
      reason: outage.reason,
    });
    this.#o.onOutage?.(outage);
  }

  #schedule(): void {
    if (this.#tick !== null) clearTimeout(this.#tick);
    this.#tick = null;
    const atMs = Math.min(
      nextTickMs(this.#window, this.#windowOptions),
      outageDueMs(this.#outage, this.#outageAfterMs),
      this.#evidence.dueMs,
    );
    if (!this.#running || atMs === Infinity) return;
    const delayMs = Math.max(1, Math.ceil(atMs - this.#o.clock.monotonicMs()));
    this.#tick = setTimeout(
      () => {
        this.#watch({ kind: 'tick' });
        this.#feed({ kind: 'tick' });
        this.#evidence.feed({ kind: 'tick' });
      },
      Math.min(delayMs, 60_000),
    );
  }

  #status(online: boolean, session: string): StatusMessage {
    const { gateway, boot, previousBoot, agentVersion } = this.#o;
    const connection = Math.max(1, this.#connections);
    const said = {
      v: 1,
      gateway,
      boot,
      previousBoot,
      connection,
      online,
      atMs: this.#o.clock.wallMs(),
      agentVersion,
      session,
    } as const;
    return signStatus(this.#o.site, said, this.#identity.gatewayKey);
  }

  #topic(channel: 'up' | 'ack' | 'status' | 'blob' | 'cmd' | 'res'): string {
    return topicOf(this.#o.site, this.#o.gateway, channel);
  }
  #now(): Instant {
    return { wallMs: this.#o.clock.wallMs(), monotonicMs: this.#o.clock.monotonicMs() };
  }
}

/** What a line of the log says beside what happened. */
function told(key: 'clockNotSet' | 'uplinkRefused' | 'uplinkUnreachable' | 'uplinkAckInvalid' | 'uplinkDoubted'): {
  readonly code: string;
  readonly cure: string;
} {
  const { code, cure } = agentErrors[key];
  return { code, cure };
}
