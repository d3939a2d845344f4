/**
 * Brings evidence files to the bridge, after the records that name them. What goes when is decided in `transfer.ts`; this owns the
 * bytes of the one file under way and the calls to the store.
 */
import type { KeyObject } from 'node:crypto';
import { encodeBlob, evidenceChunkBytes, type BlobAckMessage } from '../../cloud-bridge/contract.ts';
import type { OutboxStore, WaitingFile } from '../store/outbox.ts';
import { noTransfer, stepTransfer, transferDueMs, type TransferEffect, type TransferEvent } from './transfer.ts';

export interface EvidencePorts {
  readonly gateway: string;
  /** The key of the present connection. */
  readonly gatewayKey: () => KeyObject;
  readonly store: Pick<OutboxStore, 'nextFile' | 'readFile' | 'settleFile'>;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly ackTimeoutMs: number;
  readonly pollMs: number;
  /** Hands a payload to the connection there is; lost without a word when there is none. */
  readonly publish: (payload: Buffer) => void;
  /** Called when a file was let go. */
  readonly onSettled: () => void;
  /** Called when the time of the next `tick` may have changed. */
  readonly onChange: () => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export class EvidenceSender {
  readonly #ports: EvidencePorts;
  #state = noTransfer();
  #open: { readonly sha256: string; readonly bytes: Buffer } | null = null;

  constructor(ports: EvidencePorts) {
    this.#ports = ports;
  }

  feed(event: TransferEvent): void {
    const { clock, ackTimeoutMs, pollMs, onChange } = this.#ports;
    const { state, effects } = stepTransfer(this.#state, event, clock.monotonicMs(), { ackTimeoutMs, pollMs });
    this.#state = state;
    if (state.file === null) this.#open = null;
    for (const effect of effects) void this.#carryOut(effect);
    onChange();
  }

  answered({ blob, held, result, code, retryAfterS }: BlobAckMessage): void {
    this.feed({ kind: 'answer', answer: { blob, held, result, code, retryAfterS } });
  }

  /** When `tick` is to be fed, monotonic ms. */
  get dueMs(): number {
    return transferDueMs(this.#state);
  }

  async #carryOut(effect: TransferEffect): Promise<void> {
    switch (effect.kind) {
      case 'load':
        return this.#load(effect.epoch);
      case 'send':
        return this.#send(effect.file, effect.chunk);
      case 'settle':
        return this.#settle(effect.settlement);
    }
  }

  async #load(epoch: number): Promise<void> {
    try {
      this.feed({ kind: 'loaded', epoch, file: await this.#ports.store.nextFile() });
    } catch {
      // A store that is busy or closing; it is asked again.
      this.feed({ kind: 'load-failed', epoch });
    }
  }

  async #send(file: WaitingFile, chunk: number): Promise<void> {
    const { gateway, gatewayKey, store, publish } = this.#ports;
    const { epoch } = this.#state;
    const { sha256, bytes: size } = file;
    if (this.#open?.sha256 !== sha256) {
      const bytes = await store.readFile(sha256);
      if (epoch !== this.#state.epoch || this.#state.file?.sha256 !== sha256) return;
      if (bytes === null || bytes.length !== size) {
        this.feed({ kind: 'unreadable', epoch, sha256 });
        return;
      }
      this.#open = { sha256, bytes };
    }
    const from = chunk * evidenceChunkBytes;
    const part = this.#open.bytes.subarray(from, from + evidenceChunkBytes);
    publish(encodeBlob({ gateway, sha256, size, chunk }, part, gatewayKey()));
  }

  async #settle(settlement: Extract<TransferEffect, { kind: 'settle' }>['settlement']): Promise<void> {
    const { store, clock, log, onSettled } = this.#ports;
    const { sha256, result, code } = settlement;
    try {
      await store.settleFile({ ...settlement, atMs: clock.wallMs() });
    } catch {
      this.feed({ kind: 'settle-failed', sha256 });
      return;
    }
    if (result === 'refused') log('error', 'the bridge refused a piece of evidence; it is kept here', { sha256, code });
    if (result === 'gone') log('warn', 'a piece of evidence is gone or damaged and cannot be sent', { sha256 });
    onSettled();
    this.feed({ kind: 'settled', sha256 });
  }
}
