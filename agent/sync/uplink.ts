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
  topicOf,
  type Lane,
  type StatusMessage,
} from '../../cloud-bridge/contract.ts';
import { backoffDelayMs, type BackoffOptions } from '../../drivers/contract.ts';
import { agentErrors } from '../errors.ts';
import type { UplinkView } from '../live.ts';
import type { BatchKey, OutboxCounts, SealContext, SealedBatch } from '../store/outbox.ts';
import { believedAnswer } from './answers.ts';
import { checkUplinkUrl, openLink, type Link } from './link.ts';
import { noOutage, outageDueMs, stepOutage, type Instant, type OutageEvent } from './outage.ts';
import type { Uplink, UplinkCounters, UplinkOptions } from './uplink-ports.ts';
import {
  emptyWindow,
  nameOf,
  nextTickMs,
  stepWindow,
  type Answer,
  type WindowEffect,
  type WindowEvent,
} from './window.ts';

/** Alerts ahead of all, fresh minutes beside a backlog that has its fixed share; evidence goes by its own channel. */
const defaultSlots: Readonly<Record<Lane, number>> = { alerts: 4, live: 3, backlog: 3, evidence: 0 };
/** Doubling would notice the bridge late by the whole outage; 1.3 keeps it to about a sixth, and the tries of a day to some thousands. */
const defaultReconnect: BackoffOptions = { minMs: 500, maxMs: 30_000, factor: 1.3 };
const connectTimeoutMs = 10_000;
const pollMs = 5_000;
const housekeepingMs = 1_000;
const goodbyeMs = 400;
/** Waiting alerts beyond this are history; the snapshot of what is active now goes before them. */
const snapshotAfterRecords = 1_000;
/** So many waiting records are sealed while there is no uplink. */
const compactAfterRecords = 2_000;

export function createUplink(options: UplinkOptions): Uplink {
  return new MqttUplink(options);
}

class MqttUplink implements Uplink {
  readonly #o: UplinkOptions;
  #windowOptions: Parameters<typeof stepWindow>[3];
  readonly #outageAfterMs: number;
  #window = emptyWindow();
  #outage = noOutage({ wallMs: 0, monotonicMs: 0 });
  readonly #bytes = new Map<string, SealedBatch>();
  #counts: OutboxCounts | null = null;
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
  #countsStale = true;
  #tick: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #housekeeping: NodeJS.Timeout | null = null;
  #unsubscribe: () => void = () => undefined;
  #stopping: Promise<void> | null = null;

  constructor(options: UplinkOptions) {
    this.#o = options;
    this.#windowOptions = {
      slots: { ...defaultSlots, ...options.slots },
      ackTimeoutMs: options.ackTimeoutMs ?? 10_000,
      lingerMs: options.lingerMs ?? 1_000,
      pollMs,
    };
    this.#outageAfterMs = options.outageAfterMs ?? 30_000;
  }

  async start(signal: AbortSignal): Promise<void> {
    checkUplinkUrl(this.#o.url);
    if (signal.aborted) return;
    this.#running = true;
    signal.addEventListener('abort', () => void this.stop(), { once: true });
    this.#sinceMs = this.#o.clock.wallMs();
    this.#unsubscribe = this.#o.store.onCommitted(() => {
      this.#countsStale = true;
      this.#feed({ kind: 'committed' });
    });
    this.#housekeeping = setInterval(() => void this.#keepHouse(), housekeepingMs);
    await this.#refreshCounts();
    if (this.#running) this.#begin();
  }

  /** Connects, unless something is to be waited for; then it is asked again with the next turn of the housekeeping. */
  #begin(): void {
    const why = this.#o.waitsFor?.() ?? null;
    if (why !== null) {
      if (this.#reason !== why) this.#o.log('warn', 'uplink waits', { reason: why, ...told('clockNotSet') });
      this.#reason = why;
      return;
    }
    this.#begun = true;
    this.#reason = 'not-yet-connected';
    this.#outage = noOutage(this.#now());
    this.#sinceMs = this.#o.clock.wallMs();
    this.#connect();
    this.#schedule();
  }

  hurry(): void {
    this.#windowOptions = { ...this.#windowOptions, lingerMs: 0 };
    this.#feed({ kind: 'committed' });
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#running = false;
    this.#unsubscribe();
    for (const timer of [this.#tick, this.#retry]) if (timer !== null) clearTimeout(timer);
    if (this.#housekeeping !== null) clearInterval(this.#housekeeping);
    const link = this.#link;
    this.#link = null;
    if (link === null) return;
    if (this.#ready) link.publish(this.#topic('status'), JSON.stringify(this.#status(false, '')), true);
    this.#ready = false;
    await link.end(goodbyeMs);
  }

  view(): UplinkView {
    return {
      configured: true,
      connected: this.#ready,
      sinceMs: this.#sinceMs,
      reason: this.#reason,
      outboxRecords: this.#counts?.records ?? 0,
      outboxBatches: this.#counts?.batches ?? 0,
      oldestUnackedMs: this.#counts?.oldestMs ?? null,
      acked: this.#counts?.acked ?? 0,
      redelivered: this.#counts?.redelivered ?? 0,
      deadLetters: this.#counts?.dead ?? 0,
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
    this.#connections++;
    const session = randomBytes(16).toString('hex');
    const link = openLink(
      {
        url: this.#o.url,
        gateway: this.#o.gateway,
        password: this.#o.password,
        ca: this.#o.ca ?? null,
        keepaliveS: this.#o.keepaliveS ?? 15,
        connectTimeoutMs,
        will: { topic: this.#topic('status'), payload: JSON.stringify(this.#status(false, session)) },
        subscribeTo: this.#topic('ack'),
      },
      {
        onReady: () => void this.#onReady(link, session),
        onMessage: (payload) => this.#onAck(payload),
        onClosed: (closed) => this.#onClosed(closed),
      },
    );
    this.#link = link;
  }

  async #onReady(link: Link, session: string): Promise<void> {
    link.publish(this.#topic('status'), JSON.stringify(this.#status(true, session)), true);
    // With a long history of alerts waiting, what is active now goes ahead of it.
    const snapshot = (this.#counts?.unsealed.alerts ?? 0) > snapshotAfterRecords ? await this.#snapshot() : [];
    if (this.#link !== link || !this.#running) return;
    this.#ready = true;
    this.#attempt = 0;
    this.#reason = null;
    this.#sinceMs = this.#o.clock.wallMs();
    this.#o.log('info', 'uplink connected', { connection: this.#connections });
    this.#watch({ kind: 'connected' });
    this.#feed({ kind: 'connected' }, snapshot);
  }

  #onClosed({ reason, refused }: { reason: string; refused: boolean }): void {
    this.#link = null;
    if (!this.#running) return;
    const lost = this.#ready;
    this.#ready = false;
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
    const reconnect = this.#o.reconnect ?? defaultReconnect;
    // A refusal needs a person: asking fast would only fill the broker's log.
    const minMs = refused ? reconnect.maxMs : reconnect.minMs;
    const delayMs = backoffDelayMs({ ...reconnect, minMs }, this.#attempt++, this.#o.random);
    this.#retry = setTimeout(() => this.#connect(), delayMs);
  }

  #onAck(payload: Buffer): void {
    const ack = believedAnswer(payload, this.#o.gateway, this.#o.bridgeKey);
    if (ack === null) {
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
    const { boot, seq, sha256, result, code, retryAfterS } = ack;
    const answer: Answer = { boot, seq, sha256, result, code, retryAfterS };
    if (result === 'later') this.#reason = `the bridge asks to wait: ${code ?? 'no reason given'}`;
    else if (this.#ready) this.#reason = null;
    this.#watch({ kind: 'answered' });
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
    const { store, backlogAfterMs = 120_000 } = this.#o;
    try {
      const request = {
        lane,
        limit,
        exclude,
        seal: this.#sealContext(),
        lingerMs: this.#windowOptions.lingerMs,
        backlogAfterMs,
      };
      this.#take(epoch, lane, await store.take(request));
    } catch (error) {
      this.#storeFailed('take', error);
      this.#feed({ kind: 'load-failed', epoch, lane });
    }
  }

  async #snapshot(): Promise<readonly SealedBatch[]> {
    try {
      return await this.#o.store.sealSnapshot(this.#sealContext());
    } catch (error) {
      this.#storeFailed('make a snapshot', error);
      return [];
    }
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
    const sig = signBatch(name, this.#o.gatewayKey);
    const header = { v: contractVersion, ...name, bytes: batch.bytes.length, sig };
    this.#sent++;
    this.#link.publish(this.#topic('up'), encodeUp(header, batch.bytes), false);
    const { wallMs, monotonicMs } = this.#now();
    const noted = (): void => {
      // Where answers stay away nothing else makes the counts be read anew.
      if (sends > 1) this.#countsStale = true;
    };
    this.#o.store.noteSent([batch], wallMs).then(noted, (error: unknown) => this.#storeFailed('count a send', error));
    const first = { monotonicMs: firstSentMs, wallMs: wallMs - (monotonicMs - firstSentMs) };
    this.#watch({ kind: 'sent', sends, first });
  }

  async #settle(settlement: Extract<WindowEffect, { kind: 'settle' }>['settlement']): Promise<void> {
    try {
      const changed = await this.#o.store.settle({ ...settlement, atMs: this.#o.clock.wallMs() });
      this.#countsStale = true;
      if (settlement.result === 'later') return;
      this.#bytes.delete(nameOf(settlement));
      if (changed && settlement.result === 'refused') {
        const { boot, seq, code } = settlement;
        this.#o.log('error', 'the bridge refused a batch; it is kept as a dead letter', { boot, seq, code });
        this.#o.onDeadLetter?.({ boot, seq, code });
      }
      this.#feed({ kind: 'settled', key: settlement });
    } catch (error) {
      this.#storeFailed('note an answer', error);
      this.#feed({ kind: 'settle-failed', key: settlement });
    }
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
    );
    if (!this.#running || atMs === Infinity) return;
    const delayMs = Math.max(1, Math.ceil(atMs - this.#o.clock.monotonicMs()));
    this.#tick = setTimeout(
      () => {
        this.#watch({ kind: 'tick' });
        this.#feed({ kind: 'tick' });
      },
      Math.min(delayMs, 60_000),
    );
  }

  async #keepHouse(): Promise<void> {
    if (this.#countsStale) await this.#refreshCounts();
    if (!this.#running) return;
    if (!this.#begun) {
      this.#begin();
      return;
    }
    const unsealed = this.#counts?.unsealed.other ?? 0;
    if (this.#ready || unsealed < compactAfterRecords) return;
    // Without uplink the waiting records are sealed: compressed they take a tenth of the room.
    this.#countsStale = true;
    await this.#o.store
      .sealBacklog({ seal: this.#sealContext(), lingerMs: 0, backlogAfterMs: 0 })
      .catch((error: unknown) => this.#storeFailed('seal the backlog', error));
  }

  async #refreshCounts(): Promise<void> {
    this.#countsStale = false;
    try {
      this.#counts = await this.#o.store.outboxCounts();
    } catch (error) {
      this.#storeFailed('count the outbox', error);
    }
  }

  #storeFailed(doing: string, error: unknown): void {
    // After stop the store may be closed before a last answer is noted; the bridge will say `repeat` next time.
    if (!this.#running) return;
    this.#o.log('warn', `uplink: the store could not ${doing}`, {
      error: error instanceof Error ? error.message : String(error),
    });
  }

  #sealContext(): SealContext {
    const { site, gateway, clock, clockState } = this.#o;
    return { site, gateway, clock: clockState(), nowMs: clock.wallMs() };
  }

  #status(online: boolean, session: string): StatusMessage {
    const { gateway, boot, previousBoot, agentVersion } = this.#o;
    const connection = Math.max(1, this.#connections);
    return {
      v: 1,
      gateway,
      boot,
      previousBoot,
      connection,
      online,
      atMs: this.#o.clock.wallMs(),
      agentVersion,
      session,
    };
  }

  #topic(channel: 'up' | 'ack' | 'status'): string {
    return topicOf(this.#o.site, this.#o.gateway, channel);
  }
  #now(): Instant {
    return { wallMs: this.#o.clock.wallMs(), monotonicMs: this.#o.clock.monotonicMs() };
  }
}

/** What a line of the log says beside what happened. */
function told(key: 'clockNotSet' | 'uplinkRefused' | 'uplinkUnreachable' | 'uplinkAckInvalid'): {
  readonly code: string;
  readonly cure: string;
} {
  const { code, cure } = agentErrors[key];
  return { code, cure };
}
