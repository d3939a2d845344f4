/** Whose packages this gateway takes: the release key that came with the agent, the keys of the site, its own. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { ModelError } from '../../models/errors.ts';
import { publicKeyIn, releasePublicKey } from '../../models/package/keys.ts';
import { fingerprintOf, type TrustedKeys } from '../../models/package/signature.ts';
import type { SiteKey } from '../config/config.ts';
import { readPrivateKey } from '../sync/keys.ts';

/**
 * @param dataDir null: no gateway, so nothing local is good
 * @throws ModelError `keyUnknown` where a key cannot be read or is another than the configuration says; AgentError `keyUnusable`
 */
export function trustedKeys(dataDir: string | null, siteKeys: readonly SiteKey[]): TrustedKeys {
  const own = dataDir === null ? null : readPrivateKey(join(dataDir, 'keys', 'gateway.key'));
  return {
    release: [releasePublicKey()],
    site: siteKeys.map(siteKey),
    local: own === null ? [] : [createPublicKey(own)],
  };
}

function siteKey({ file, fingerprint }: SiteKey): KeyObject {
  const key = publicKeyIn(file);
  const found = fingerprintOf(key);
  if (fingerprint === null || fingerprint === found) return key;
  throw new ModelError('keyUnknown', `${file} holds the key ${found}, and the configuration says ${fingerprint}`);
}
