/**
 * Raw sound, where somebody asked for it (`ear.keepClips`): the last seconds that were judged before an alert, sealed in the ear's process with the
 * site's own key and never there in clear, nor anywhere but in `ear-clips/<machine>/` of the data folder. What was taken for speech was not
 * judged and is in none.
 *
 * Invariants (test/unit/senses/ear-clips.test.ts):
 *  C1  Without the key a clip says machine, time, rate and length, and nothing else; what was changed in it is refused.
 *  C2  A clip goes when its days are over, when its machine keeps none any more, and when more than `mostClips` of the machine are there, the
 *      oldest first. What could not be kept or removed is counted.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AgentError } from '../../errors.ts';
import { makeFolder } from '../../folder.ts';

export const mostClipSeconds = 5;
/** Five seconds at the highest rate there is. */
export const mostClipBytes = 2 * 1024 * 1024 + 1_024;
/** Of one machine. */
export const mostClips = 200;
const dayMs = 86_400_000;

export interface Clip {
  readonly machine: string;
  /** UTC ms of its end. */
  readonly atMs: number;
  readonly rateHz: number;
  /** 16 bits, little-endian, one channel. */
  readonly pcm: Uint8Array;
}

/** As somebody asked for it. */
export interface ClipsWanted {
  readonly days: number;
  readonly seconds: number;
  readonly key: Uint8Array<ArrayBuffer>;
}

const magic = Buffer.from('SLVCLIP1', 'latin1');
const [ivBytes, tagBytes] = [12, 16];
const headSchema = z.strictObject({
  machine: z.string().min(1).max(40),
  atMs: z.int(),
  rateHz: z.number().positive(),
});

/** The key behind a reference: 64 hexadecimal digits. @throws AgentError `clipKey` */
export function clipKey(secret: string): Uint8Array<ArrayBuffer> {
  if (!/^[0-9a-fA-F]{64}$/.test(secret)) throw new AgentError('clipKey', 'ear.keepClips.key');
  return Uint8Array.from(Buffer.from(secret, 'hex'));
}

/** AES-256-GCM; what stands before the sealed part is bound to it. */
export function sealClip({ pcm, ...about }: Clip, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = Buffer.from(JSON.stringify(about), 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(head.length);
  const clear = Buffer.concat([magic, length, head]);
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(clear);
  const sealed = Buffer.concat([cipher.update(pcm), cipher.final()]);
  return Uint8Array.from(Buffer.concat([clear, iv, cipher.getAuthTag(), sealed]));
}

/** @throws AgentError `clipUnreadable`: another key, or not what was sealed */
export function openClip(bytes: Buffer, key: Uint8Array): Clip {
  if (bytes.length < magic.length + 2 || !bytes.subarray(0, magic.length).equals(magic)) {
    throw new AgentError('clipUnreadable', 'it is no clip');
  }
  const ivAt = magic.length + 2 + bytes.readUInt16LE(magic.length);
  const tagAt = ivAt + ivBytes;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(ivAt, tagAt), { authTagLength: tagBytes });
    decipher.setAAD(bytes.subarray(0, ivAt)).setAuthTag(bytes.subarray(tagAt, tagAt + tagBytes));
    const pcm = Buffer.concat([decipher.update(bytes.subarray(tagAt + tagBytes)), decipher.final()]);
    const head: unknown = JSON.parse(bytes.subarray(magic.length + 2, ivAt).toString('utf8'));
    return { ...headSchema.parse(head), pcm };
  } catch (error) {
    throw new AgentError('clipUnreadable', 'another key, or it was changed', { cause: error });
  }
}

/** Samples as a clip has them. */
export function pcmOf(samples: Float32Array): Uint8Array {
  const bytes = Buffer.alloc(2 * samples.length);
  for (const [i, value] of samples.entries()) {
    bytes.writeInt16LE(Math.round(32_767 * Math.min(1, Math.max(-1, value))), 2 * i);
  }
  return bytes;
}

export interface ClipCounts {
  readonly kept: number;
  readonly removed: number;
  readonly failed: number;
}

const nameOf = /^([0-9]{1,16})-[0-9a-f]{8}\.clip$/;

/** The clips of all machines. */
export class Clips {
  readonly #folder: string;
  readonly #days: ReadonlyMap<string, number>;
  readonly #counts = { kept: 0, removed: 0, failed: 0 };

  /** @param days by machine; one that is not there keeps none */
  constructor(dataDir: string, days: ReadonlyMap<string, number>) {
    this.#folder = join(dataDir, 'ear-clips');
    this.#days = days;
  }

  counts(): ClipCounts {
    return { ...this.#counts };
  }

  /** Gives the name of its file below the folder of clips; null where it could not be kept. */
  keep(machine: string, atMs: number, sealed: Uint8Array): string | null {
    if (!this.#days.has(machine)) return null;
    const folder = join(this.#folder, machine);
    const name = `${Math.round(atMs)}-${randomBytes(4).toString('hex')}.clip`;
    try {
      makeFolder(folder);
      writeFileSync(join(folder, `${name}.tmp`), sealed, { mode: 0o600 });
      renameSync(join(folder, `${name}.tmp`), join(folder, name));
      this.#counts.kept += 1;
      return join(machine, name);
    } catch {
      this.#counts.failed += 1;
      return null;
    }
  }

  /** Removes what is too old or too much. */
  sweep(nowMs: number): void {
    for (const machine of namesIn(this.#folder)) {
      const names = namesIn(join(this.#folder, machine)).flatMap((name) => {
        const atMs = Number(nameOf.exec(name)?.[1] ?? 0);
        return [{ name, atMs }];
      });
      const days = this.#days.get(machine);
      const oldestMs = days === undefined ? Infinity : nowMs - days * dayMs;
      const newestFirst = names.toSorted((a, b) => b.atMs - a.atMs);
      for (const [at, { name, atMs }] of newestFirst.entries()) {
        if (atMs <= oldestMs || at >= mostClips) this.#remove(join(this.#folder, machine, name));
      }
    }
  }

  #remove(path: string): void {
    try {
      rmSync(path, { force: true });
      this.#counts.removed += 1;
    } catch {
      this.#counts.failed += 1;
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
