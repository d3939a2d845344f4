/**
 * Loaded into the agent before its own code (`node --import`), for the control `sync` of the torture: an agent that takes the broker's
 * PUBACK for the bridge's answer. Its connection and its judge of answers are replaced by the ones of `puback.ts`.
 */
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.env['SELVEDGE_TORTURE_BREAK'] === 'sync') {
  const instead = new URL('./puback.ts', import.meta.url).href;
  const replaced = ['link.ts', 'answers.ts'].map((name) => new URL(`../../agent/sync/${name}`, import.meta.url).href);
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      return replaced.includes(found.url) && context.parentURL !== instead ? { ...found, url: instead } : found;
    },
  });
}
