/** Words that every message of the contract uses: ids, boots, times, hashes, signatures, topics. */
import { createHash } from 'node:crypto';
import { z } from 'zod';

export const contractVersion = 1;

/** The header line with its newline ends within this many bytes. */
export const maxUpHeaderBytes = 1024;

export const id = z.string().regex(/^[a-z0-9-]{1,40}$/);
export const boot = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe('Random 64-bit number of one process start, in hex');
export const seq = z.int().min(1).describe('Number of the batch within its boot');
export const previousBoot = boot.nullable().describe('The boot before this one in the journal; null: an empty journal');
export const utcMs = z.int().describe('UTC milliseconds');
export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('Of the zstd bytes, in hex');
export const signature = z.string().min(1).describe('Ed25519, base64');

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

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
