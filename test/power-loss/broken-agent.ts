/**
 * Loaded into the agent before its own code (`node --import`), in its threads too, for the control of the power cuts: a journal that
 * commits without waiting for the disk.
 */
import { registerHooks } from 'node:module';

const journal = new URL('../../agent/store/journal.ts', import.meta.url).href;
const [sound, broken] = ['synchronous = FULL', 'synchronous = OFF'];

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (url !== journal) return loaded;
    const source = Buffer.from((loaded.source ?? '') as Uint8Array).toString('utf8');
    if (!source.includes(sound)) throw new TypeError(`${url} has changed: the control does not break it`);
    return { ...loaded, source: source.replaceAll(sound, broken) };
  },
});
