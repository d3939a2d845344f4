/**
 * Brings sealed batches to the bridge and lets go of them on its signed answer. The decisions are pure (`window.ts`, `outage.ts`);
 * this file owns the timer and the calls to the store, `connection.ts` the connection.
 *
 * Invariants (test/unit/sync/, test/integration/sync*.test.ts):
 *  U1  A batch is released only by an answer signed by the bridge that names it by gateway, boot, seq and hash.
 *  U2  Nothing that waits is lost by a disconnect, a restart or a full disk: the store has it until then.
 *  U3  After `stop` resolves, within 1 s, no socket, timer or listener is left.
 *  U5  While `waitsFor` names a reason nothing is sealed, sent or connected, and no outage begins.
 *  U4  Trouble never throws at the user: it is a state in `view()`, a log line and a retry.
 */
import { contractVersion, encodeUp, signBatch, type Lane } from '../../cloud-bridge/contract.ts';
import { agentErrors } from '../errors.ts';
import type { UplinkView } from '../live.ts';
import type { BatchKey, SealedBatch } from '../store/outbox.ts';
import { believedAnswer } from './answers.ts';
import { spreadRetryAfterS } from './brokers.ts';
import { Connection, type ConnectionClosed } from './connection.ts';
import { EvidenceSender } from './evidence.ts';
import { checkUplinkUrl } from './link.ts';
import { noOutage, outageDueMs, stepOutage, type Instant, type OutageEvent } from './outage.ts';
import type { Uplink, UplinkCounters, UplinkOptions } from './uplink-ports.ts';
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
const pollMs = 5_000;
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
  readonly #connection: Connection;
  #running = false;
  #begun = false;
  #reason: string | null = 'not-yet-connected';
  #sinceMs: number | null = null;
  #sent = 0;
  #invalidAcks = 0;
  #disbelieves = false;
  #tick: NodeJS.Timeout | null = null;
  #stopping: Promise<void> | null = null;
  readonly #renewal: { start(): void; stop(): void } | null;

  constructor(options: UplinkOptions) {
    this.#o = options;
    this.#connection = new Connection(options, {
      prepare: () => this.#snapshot(),
      onReady: (snapshot) => this.#onReady(snapshot),
      onAck: (payload) => this.#onAck(payload),
      onMoved: () => {
        this.#bytes.clear();
        this.#feed({ kind: 'disconnected' });
      },
      onClosed: (closed) => this.#onClosed(closed),
    });
    this.#renewal = options.renewal?.(() => this.#connection.drop('certificate-renewed')) ?? null;
    this.#waiting = new Waiting(options, () => this.#connection.isReady);
    this.#windowOptions = {
      slots: { ...defaultSlots, ...options.slots },
      ackTimeoutMs: options.ackTimeoutMs ?? 10_000,
      lingerMs: options.lingerMs ?? 1_000,
      pollMs,
    };
    this.#minuteLingerMs = options.minuteLingerMs ?? 0;
    this.#evidence = new EvidenceSender({
      ...options,
      gatewayKey: () => this.#connection.gatewayKey,
      ackTimeoutMs: this.#windowOptions.ackTimeoutMs,
      pollMs,
      publish: (payload) => this.#connection.publish('blob', payload),
      onSettled: () => this.#waiting.fileSettled(),
      onChange: () => this.#schedule(),
    });
    this.#outageAfterMs = options.outageAfterMs ?? 30_000;
  }

  async start(signal: AbortSignal): Promise<void> {
    for (const url of [this.#o.url, ...(this.#o.moreUrls ?? [])]) checkUplinkUrl(url);
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
    this.#connection.start();
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
    if (this.#tick !== null) clearTimeout(this.#tick);
    await this.#connection.stop();
  }

  view(): UplinkView {
    const { counts } = this.#waiting;
    return {
      configured: true,
      connected: this.#connection.isReady,
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
      connections: this.#connection.made,
      outage: this.#outage.trouble?.open ?? false,
    };
  }

  /** With a long history of alerts waiting, what is active now goes ahead of it. */
  async #snapshot(): Promise<readonly SealedBatch[]> {
    const waiting = this.#waiting.counts?.unsealed.alerts ?? 0;
    return waiting > snapshotAfterRecords ? await this.#waiting.snapshot() : [];
  }

  #onReady(snapshot: readonly SealedBatch[]): void {
    this.#reason = null;
    this.#sinceMs = this.#o.clock.wallMs();
    this.#o.log('info', 'uplink connected', { connection: this.#connection.made });
    this.#watch({ kind: 'connected' });
    this.#feed({ kind: 'connected' }, snapshot);
    this.#evidence.feed({ kind: 'connected' });
  }

  #onClosed({ reason, refused, wasReady }: ConnectionClosed): void {
    if (wasReady || this.#reason !== reason) {
      this.#sinceMs = wasReady ? this.#o.clock.wallMs() : this.#sinceMs;
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
    else if (this.#connection.isReady) this.#reason = null;
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
    if (batch === undefined || !this.#connection.isThere) return;
    const name = { gateway: this.#o.gateway, boot: batch.boot, seq: batch.seq, sha256: batch.sha256 };
    const sig = signBatch(name, this.#connection.gatewayKey);
    const header = { v: contractVersion, ...name, bytes: batch.bytes.length, sig };
    this.#sent++;
    this.#connection.publish('up', encodeUp(header, batch.bytes));
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
