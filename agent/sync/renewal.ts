/**
 * Renews the certificate of the uplink, and the key batches are signed with, when two thirds of its life are over. Until the old
 * certificate ends both count at the bridge, so a crash or a lost answer at any step leaves a gateway that gets in.
 */
import { existsSync, readFileSync } from 'node:fs';
import { AgentError } from '../errors.ts';
import { askForCertificate } from './enrolment.ts';
import {
  certificateFile,
  certificateTimes,
  finishKeys,
  identityFiles,
  signed,
  signedRequest,
  signingKeyAt,
  tlsKey,
  writeDurably,
  type CertificateTimes,
} from './identity.ts';

const hourMs = 3_600_000;
/** Timers of Node go to 24 days; the clock may be set meanwhile. */
const lookEveryMs = 6 * hourMs;

export interface RenewalOptions {
  readonly gateway: string;
  readonly dataDir: string;
  /** https://host:port of the bridge. */
  readonly enrolment: string;
  /** PEM text. */
  readonly ca: string;
  readonly wallMs: () => number;
  readonly random: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
  /** The new certificate and key are on disk. */
  readonly onRenewed: () => void;
}

/** When a certificate is to be renewed, UTC ms: after two thirds of its life. A fleet that joined on one day is spread over a tenth. */
export function renewalDueMs({ notBeforeMs, notAfterMs }: CertificateTimes, random: number): number {
  const lifeMs = notAfterMs - notBeforeMs;
  return notBeforeMs + (lifeMs * 2) / 3 + lifeMs * 0.1 * random;
}

/** Until the next attempt after a failed one: a hundredth of the life, an hour at most and a second at least. */
export function renewalRetryMs({ notBeforeMs, notAfterMs }: CertificateTimes, random: number): number {
  const base = Math.min(hourMs, Math.max(1_000, (notAfterMs - notBeforeMs) / 100));
  return base * (0.5 + random / 2);
}

export class Renewal {
  readonly #o: RenewalOptions;
  readonly #spread: number;
  #timer: NodeJS.Timeout | null = null;
  #running = false;

  constructor(options: RenewalOptions) {
    this.#o = options;
    this.#spread = options.random();
  }

  start(): void {
    this.#running = true;
    this.#finish();
    this.#look();
  }

  stop(): void {
    this.#running = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Of a renewal whose process was killed at its last step. */
  #finish(): void {
    try {
      finishKeys(identityFiles(this.#o.dataDir));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#o.log('error', 'a renewal that was cut short could not be finished', { error: text });
    }
  }

  #look(): void {
    if (!this.#running) return;
    const times = this.#times();
    if (times === null) return;
    const dueInMs = renewalDueMs(times, this.#spread) - this.#o.wallMs();
    if (dueInMs > 0) {
      this.#timer = setTimeout(() => this.#look(), Math.min(dueInMs + 1, lookEveryMs));
      return;
    }
    void this.#try(times);
  }

  async #try(times: CertificateTimes): Promise<void> {
    try {
      const until = await renew(this.#o);
      this.#o.log('info', 'the certificate of the uplink was renewed', { until: new Date(until).toISOString() });
      if (this.#running) this.#o.onRenewed();
      this.#look();
    } catch (error) {
      const { code, cure } = error instanceof AgentError ? error.entry : { code: null, cure: null };
      const left = new Date(times.notAfterMs).toISOString();
      this.#o.log('error', 'the certificate of the uplink could not be renewed', {
        error: error instanceof Error ? error.message : String(error),
        until: left,
        code,
        cure,
      });
      if (this.#running) {
        this.#timer = setTimeout(() => this.#look(), renewalRetryMs(times, this.#o.random()));
      }
    }
  }

  #times(): CertificateTimes | null {
    const { certificate } = identityFiles(this.#o.dataDir);
    return existsSync(certificate) ? certificateTimes(readFileSync(certificate, 'utf8')) : null;
  }
}

/** One renewal. Resolves with the end of the new certificate, UTC ms, once it is on disk. */
export async function renew(
  options: Pick<RenewalOptions, 'gateway' | 'dataDir' | 'enrolment' | 'ca'>,
): Promise<number> {
  const files = identityFiles(options.dataDir);
  finishKeys(files);
  const identity = readFileSync(files.certificate, 'utf8');
  const current = signingKeyAt(files.signingKey);
  const next = signingKeyAt(files.nextSigningKey);
  const key = tlsKey(files.nextKey);
  const { fields, text } = await signedRequest(options.gateway, key, next);
  const body = { ...fields, previousSig: signed(text, current) };
  const answer = await askForCertificate(options.enrolment, '/v1/renew', body, { ca: options.ca, identity });
  // Either of the two signing keys counts with either certificate, so the order does not matter to a crash.
  writeDurably(files.certificate, certificateFile(answer.certificate, key), 0o600);
  finishKeys(files);
  return answer.notAfterMs;
}
