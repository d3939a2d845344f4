/** Records, batches and payloads for the bridge's tests, made from the contract's own rules. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import {
  encodeUp,
  sha256Hex,
  signBatch,
  type AlertRecord,
  type BatchBody,
  type BatchName,
  type EventRecord,
  type MachineRecord,
  type StateSummaryRecord,
  type StatusMessage,
  type SummaryRecord,
} from '../../../cloud-bridge/contract.ts';

export const bootA = 'aaaaaaaaaaaaaaaa';
export const bootB = 'bbbbbbbbbbbbbbbb';
export const bootC = 'cccccccccccccccc';
export const atMs = Date.UTC(2026, 0, 5, 8, 0, 0);

export function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-bridge-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

export function keyPair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ed25519');
}

export function event(n: number, more: Partial<EventRecord> = {}): EventRecord {
  const base = { n, v: 1, machine: 'ls-1', atMs: atMs + n, kind: 'event' } as const;
  return { ...base, event: 'state_changed', phase: 'instant', fromMs: null, data: { to: 'RUN' }, ...more };
}

export function alert(n: number, more: Partial<AlertRecord> = {}): AlertRecord {
  return {
    n,
    v: 1,
    machine: 'ls-1',
    atMs: atMs + n,
    kind: 'alert',
    occurrence: 'o-1',
    type: 'thread_break',
    rule: 'thread-break',
    signal: null,
    priority: 'high',
    transition: 'raised',
    state: 'active-unacked',
    onsetMs: atMs,
    raisedMs: atMs,
    clearedMs: null,
    cause: 'material.thread_break',
    text: 'thread break',
    evidence: {},
    actor: null,
    ...more,
  };
}

export function summary(n: number, more: Partial<SummaryRecord> = {}): SummaryRecord {
  return {
    n,
    v: 1,
    machine: 'ls-1',
    atMs: atMs + 60_000,
    kind: 'summary',
    minuteMs: atMs,
    readingBoot: bootA,
    segment: 0,
    revision: 1,
    signal: 'stitches',
    samples: 600,
    good: 600,
    sum: 1200,
    integral: 120,
    coveredS: 60,
    min: 0,
    max: 4,
    first: 0,
    last: 4,
    counter: {
      delta: 4,
      uncertainty: 0,
      from: 0,
      to: 4,
      fromMs: atMs,
      toMs: atMs + 60_000,
      wraps: 0,
      resets: 0,
    },
    ...more,
  };
}

export function stateSummary(n: number, more: Partial<StateSummaryRecord> = {}): StateSummaryRecord {
  const base = { n, v: 1, machine: 'ls-1', atMs: atMs + 60_000, kind: 'state-summary' } as const;
  const key = { minuteMs: atMs, readingBoot: bootA, segment: 0, revision: 1 };
  return { ...base, ...key, seconds: { RUN: 40, IDLE: 20 }, causes: {}, ...more };
}

export function machine(n: number, more: Partial<MachineRecord> = {}): MachineRecord {
  return {
    n,
    v: 1,
    machine: 'ls-1',
    atMs: atMs + n,
    kind: 'machine',
    machineKind: 'lockstitch',
    profile: 'sewing-modbus-ref',
    profileVersion: 1,
    line: 'line-1',
    station: null,
    identification: { Manufacturer: 'Example' },
    signals: [{ signal: 'stitches', kind: 'counter', unit: 'one' }],
    ...more,
  };
}

export function body(more: Partial<BatchBody> = {}): BatchBody {
  return {
    v: 1,
    site: 'demo',
    gateway: 'demo-gw',
    boot: bootA,
    previousBoot: null,
    seq: 1,
    lane: 'live',
    sealedMs: atMs,
    clock: 'synced',
    records: [event(1)],
    ...more,
  };
}

/** A batch as a gateway seals it. `content` replaces the JSON, `bytes` the packed bytes, `name` parts of the signed name. */
export function seal(
  of: BatchBody,
  key: KeyObject,
  more: { content?: string; bytes?: Buffer; name?: Partial<BatchName>; v?: number } = {},
): { readonly name: BatchName; readonly payload: Buffer } {
  const bytes = more.bytes ?? zstdCompressSync(Buffer.from(more.content ?? JSON.stringify(of)));
  const name = { gateway: of.gateway, boot: of.boot, seq: of.seq, sha256: sha256Hex(bytes), ...more.name };
  const header = { v: more.v ?? 1, ...name, bytes: bytes.length, sig: signBatch(name, key) };
  return { name, payload: encodeUp(header, bytes) };
}

export function status(more: Partial<StatusMessage> = {}): StatusMessage {
  const base = { v: 1, gateway: 'demo-gw', boot: bootA, previousBoot: null, connection: 1, online: true } as const;
  return { ...base, atMs, agentVersion: '0.1.0', session: 's-1', ...more };
}
