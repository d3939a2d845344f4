/** A worker that takes a publication for confirmed which was not: the control of the fan-out's test. */
import { registerHooks } from 'node:module';

const file = new URL('../../cloud-bridge/fan-out/nats.ts', import.meta.url).href;
const lines = [
  "if (this.#client === null) throw new BridgeError('fanOutAway', 'not connected');",
  "throw new BridgeError('fanOutAway', reasonOf(error), { cause: error });",
];
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (url !== file) return loaded;
    let source = Buffer.from((loaded.source ?? '') as Uint8Array).toString('utf8');
    for (const line of lines) {
      if (!source.includes(line)) throw new TypeError(`${url} has changed: the control does not break it`);
      source = source.replace(
        line,
        line.startsWith('if') ? 'if (this.#client === null) return false;' : 'return false;',
      );
    }
    return { ...loaded, source };
  },
});
await import('../../cloud-bridge/cli.ts');
