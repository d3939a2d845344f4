/** The certificate of the page, kept while the agent runs, where the configuration opens the page to other computers. */
import { CertificateKeeper } from './certificates/keeper.ts';
import type { KeyedCertificate } from './certificates/make.ts';
import { uniqueNames } from './certificates/names.ts';
import type { Config } from './config/config.ts';
import { isLoopback } from './config/uplink-schema.ts';
import type { Logger } from './log.ts';
import type { GatewayClock } from './time/gateway-clock.ts';

export interface PageCertificateParts {
  readonly log: Logger;
  readonly clock: GatewayClock;
  readonly knowsTime: () => boolean;
  /** A certificate other than the one before is to be served. */
  readonly onCertificate: (pair: KeyedCertificate) => void;
}

/** null where the page is on this computer alone. */
export function pageCertificateFor(config: Config, parts: PageCertificateParts): CertificateKeeper | null {
  if (isLoopback(config.page.bind)) return null;
  const { log, clock, knowsTime, onCertificate } = parts;
  return new CertificateKeeper({
    dataDir: config.dataDir,
    gateway: config.gateway.id,
    names: uniqueNames(config.page.names),
    nowMs: () => (knowsTime() ? clock.wallMs() : null),
    log: (level, message, fields) => log[level](fields, message),
    onCertificate,
  });
}
