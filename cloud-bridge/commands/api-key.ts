/** `bridge api-key add|list|remove`: keys for programs and people that read the API. */
import { addKey, listKeys, parseExpiry, parseScopes, removeKey } from '../api-keys.ts';
import { dataDir, writeFileAtomic } from '../files.ts';

export interface AddOptions {
  readonly name: string;
  readonly scope: string;
  readonly expires: string | null;
  /** Gets key and facts as JSON, readable by the caller alone; then the key is not printed. */
  readonly json: string | null;
}

/** Prints the key alone on standard output. */
export function apiKeyAdd(root: string, options: AddOptions, nowMs: number): number {
  const scopes = parseScopes(options.scope);
  const expiresMs = options.expires === null ? null : parseExpiry(options.expires, nowMs);
  const key = addKey(dataDir(root), { name: options.name, scopes, expiresMs }, nowMs);
  if (options.json !== null) {
    writeFileAtomic(options.json, `${JSON.stringify({ name: options.name, key, scopes, expiresMs })}\n`, 0o600);
  } else {
    process.stdout.write(`${key}\n`);
  }
  const until = expiresMs === null ? 'until it is removed' : `until ${new Date(expiresMs).toISOString()}`;
  process.stderr.write(`Key ${options.name} may ${scopes.join(', ')} ${until}. It cannot be shown again.\n`);
  return 0;
}

export function apiKeyList(root: string, json: string | null): number {
  const keys = listKeys(dataDir(root));
  if (json !== null) writeFileAtomic(json, `${JSON.stringify({ keys })}\n`, 0o600);
  const time = (ms: number | null) => (ms === null ? 'never' : new Date(ms).toISOString());
  for (const { name, scopes, createdMs, expiresMs } of keys) {
    process.stdout.write(`${name}  ${scopes.join(',')}  made ${time(createdMs)}  expires ${time(expiresMs)}\n`);
  }
  return 0;
}

export function apiKeyRemove(root: string, name: string): number {
  removeKey(dataDir(root), name);
  process.stdout.write(`Key ${name} opens nothing any more.\n`);
  return 0;
}
