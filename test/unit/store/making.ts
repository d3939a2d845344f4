/** Journal entries and folders for the store's tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { WireRecord } from '../../../cloud-bridge/contract.ts';
import type { SealContext, TakeRequest } from '../../../agent/store/outbox.ts';

export const nowMs = Date.UTC(2026, 0, 5, 8, 0, 0);
export const bootA = 'aaaaaaaaaaaaaaaa';
export const bootB = 'bbbbbbbbbbbbbbbb';
export const seal: SealContext = { site: 'demo', gateway: 'demo-gw', clock: 'synced', nowMs };

export function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

export function entry(record: WireRecord, lane: 'alerts' | 'live' | 'backlog' = 'live', committedMs = nowMs) {
  return { record, lane, committedMs };
}

export function takeFrom(lane: TakeRequest['lane'], more: Partial<TakeRequest> = {}): TakeRequest {
  return { lane, limit: 10, exclude: [], seal, lingerMs: 0, backlogAfterMs: 60_000, ...more };
}
