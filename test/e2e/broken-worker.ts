/**
 * A worker that stores whatever arrives again a second time: the control of the cluster's test. It replaces text of the sources as they are
 * loaded; where the text is not there the control would break nothing, and says so.
 */
import { registerHooks } from 'node:module';

const changes: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'schema.ts': [['PRIMARY KEY (gateway, boot, n)\n', 'again BIGINT\n']],
  'store.ts': [
    ['found.sha256 !== null) {', 'found.sha256 !== null && found.sha256 !== sha256) {'],
    ['$9, $10, 0)`,', '$9, $10, 0) ON CONFLICT DO NOTHING`,'],
    ['if (!fresh.has(n) || taken.has(n)) return false;', 'if (taken.has(n)) return false;'],
  ],
};

const folder = new URL('../../cloud-bridge/store/postgres/', import.meta.url).href;
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const wanted = url.startsWith(folder) ? changes[url.slice(folder.length)] : undefined;
    if (wanted === undefined) return loaded;
    let source = Buffer.from((loaded.source ?? '') as Uint8Array).toString('utf8');
    for (const [before, after] of wanted) {
      if (!source.includes(before)) throw new TypeError(`${url} has changed: the control does not break it`);
      source = source.replaceAll(before, after);
    }
    return { ...loaded, source };
  },
});
await import('../../cloud-bridge/cli.ts');
