/**
 * The certificate of the page while the agent runs: found at the start, renewed before it ends, and told to the page when it changes,
 * whoever changed it. Names are a decision of people: for other names the agent makes none by itself.
 *
 * Invariants (test/unit/certificates/keeper.test.ts):
 *  R1  What the page is given is valid and for all its names.
 *  R2  While the time is not known nothing is made.
 *  R3  What is wrong is logged once, with code and cure, and stands on the health until it is cured.
 */
import { AgentError, agentErrors } from '../errors.ts';
import { derOf, readKept, type Kept } from './files.ts';
import type { KeyedCertificate } from './make.ts';
import { planCertificates, renewBeforeMs, whyUnfit, type ServerUnfit, type ServerWhy } from './plan.ts';
import { renewOnThread } from './renewal.ts';
import type { CertificateSubject } from './update.ts';

export interface CertificateView {
  readonly state: 'good' | ServerUnfit;
  /** UTC ms; null where there is none. */
  readonly notAfterMs: number | null;
  /** Of the error that stands; null when all is well. */
  readonly code: string | null;
  readonly cure: string | null;
}

export interface KeeperOptions extends CertificateSubject {
  /** UTC ms; null while the time is not known. */
  readonly nowMs: () => number | null;
  readonly log: (level: 'info' | 'error', message: string, fields: Record<string, unknown>) => void;
  /** A certificate other than the one before is to be served from now on. */
  readonly onCertificate: (pair: KeyedCertificate) => void;
  readonly lookEveryMs?: number;
  /** While nothing can be served. */
  readonly lookSoonMs?: number;
}

/** A renewal by hand is served after this long at the latest. */
const hourMs = 3_600_000;
const minuteMs = 60_000;
/** The agent renews for the sake of time alone. */
const byItself: ReadonlySet<ServerWhy | null> = new Set(['ends-soon', 'expired', 'not-yet', 'authority']);

export class CertificateKeeper {
  readonly #o: KeeperOptions;
  #serving: KeyedCertificate | null = null;
  #authority: Uint8Array | null = null;
  #view: CertificateView = { state: 'missing', notAfterMs: null, code: null, cure: null };
  #logged: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #running = false;

  constructor(options: KeeperOptions) {
    this.#o = options;
  }

  /** Looks at once; `serving` is known when it resolves. Never rejects. */
  async start(): Promise<void> {
    this.#running = true;
    await this.#look();
  }
  stop(): void {
    this.#running = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** null: there is none that may be served. */
  get serving(): KeyedCertificate | null {
    return this.#serving;
  }
  /** Certificate of the authority, DER; null where there is none. */
  get authority(): Uint8Array | null {
    return this.#authority;
  }
  view(): CertificateView {
    return this.#view;
  }

  async #look(): Promise<void> {
    const renewalError = await this.#renew();
    const kept = readKept(this.#o.dataDir);
    const unfit = whyUnfit(kept.server, this.#o.names, this.#o.nowMs());
    this.#authority = typeof kept.authority === 'string' ? null : derOf(kept.authority.certPem);
    this.#judge(kept, unfit, renewalError);
    if (!this.#running) return;
    if (unfit === null && typeof kept.server !== 'string') this.#serve(kept.server);
    // Node's timers go by a clock that nobody sets.
    const { lookEveryMs = hourMs, lookSoonMs = minuteMs } = this.#o;
    this.#timer = setTimeout(() => void this.#look(), this.#serving === null ? lookSoonMs : lookEveryMs);
  }

  /** Gives what kept a renewal that is due from being made. */
  async #renew(): Promise<AgentError | null> {
    const nowMs = this.#o.nowMs();
    if (nowMs === null) return null;
    const kept = readKept(this.#o.dataDir);
    // Where nothing was ever made it is for people to do.
    if (typeof kept.server === 'string') return null;
    const plan = planCertificates(kept, this.#o.names, nowMs);
    const endsMs = kept.server.notAfterMs;
    if (endsMs - nowMs < renewBeforeMs && plan.server === null) {
      return new AgentError('pageAuthorityUnfit', `the authority itself ends at ${new Date(endsMs).toISOString()}`);
    }
    if (!byItself.has(plan.server)) return null;
    // A certificate that is good for months needs no authority: its key may be kept elsewhere.
    if (plan.authority !== null && endsMs - nowMs >= renewBeforeMs) return null;
    try {
      const why = await renewOnThread(this.#o, nowMs);
      this.#o.log('info', 'the certificate of the page was renewed', { why });
      return null;
    } catch (error) {
      if (error instanceof AgentError) return error;
      const reason = error instanceof Error ? error.message : String(error);
      return new AgentError('pageCertificateNotRenewed', `until ${new Date(endsMs).toISOString()}: ${reason}`, {
        cause: error,
      });
    }
  }

  #serve({ certPem, keyPem }: KeyedCertificate): void {
    if (this.#serving?.certPem === certPem) return;
    this.#serving = { certPem, keyPem };
    this.#o.onCertificate(this.#serving);
  }

  #judge({ server }: Kept, unfit: ServerUnfit | null, renewalError: AgentError | null): void {
    const key = unfit === 'missing' ? 'pageCertificateMissing' : 'pageCertificateUnfit';
    const entry = unfit === null ? renewalError?.entry : agentErrors[key];
    const notAfterMs = typeof server === 'string' ? null : server.notAfterMs;
    const { code, cure } = entry ?? { code: null, cure: null };
    this.#view = { state: unfit ?? 'good', notAfterMs, code, cure };
    const said = entry === undefined ? null : `${entry.code} ${unfit ?? ''}`;
    if (said !== this.#logged && entry !== undefined) {
      const { meaning } = entry;
      this.#o.log('error', meaning, { code, cure, why: unfit ?? 'ends-soon', error: renewalError?.message ?? null });
    }
    this.#logged = said;
  }
}
