/** Whether the page can be reached over HTTPS as configured. */
import { readKept } from '../certificates/files.ts';
import { certificateFindings, type Looked } from '../certificates/findings.ts';
import { hostAddresses } from '../certificates/host-addresses.ts';
import { uniqueNames } from '../certificates/names.ts';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/uplink-schema.ts';
import { bad, good, type Check } from './report.ts';

/** Nothing where the page is on this computer alone. */
export function examineCertificate({ page, dataDir }: Config, nowMs: number): readonly Check[] {
  if (isLoopback(page.bind)) return [];
  const names = uniqueNames(page.names);
  return [judgeCertificate({ held: readKept(dataDir), names, nowMs, addresses: hostAddresses() })];
}

/** One check for all that is found: the first cure mends most of it. */
export function judgeCertificate(looked: Looked): Check {
  const findings = certificateFindings(looked);
  const [first] = findings;
  const { server } = looked.held;
  if (first !== undefined) return bad('page-certificate', findings.map(({ what }) => what).join('; '), first.cure);
  const until =
    typeof server === 'string' ? '' : `, valid until ${new Date(server.notAfterMs).toISOString().slice(0, 10)}`;
  return good('page-certificate', `for ${looked.names.map(({ text }) => text).join(', ')}${until}`);
}
