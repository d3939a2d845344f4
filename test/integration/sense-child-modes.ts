/** A sense that behaves as its settings say; run by `sense-process.test.ts` in processes of their own. */
import { z } from 'zod';
import { runSense } from '../../agent/senses/sense-child.ts';

const settings = z.strictObject({
  mode: z.enum(['well', 'hangs', 'hangs-at-once', 'nonsense', 'stubborn', 'segfault', 'exits']),
});

runSense(settings, ({ mode }, say) => {
  say({ kind: 'ready', pid: process.pid });
  const timer = setInterval(() => {
    if (mode === 'nonsense') say({ kind: 'ready', pid: 'a text' });
    else say({ kind: 'alive' });
  }, 50);
  if (mode === 'hangs')
    setTimeout(() => {
      for (;;);
    }, 200);
  if (mode === 'hangs-at-once')
    setTimeout(() => {
      for (;;);
    }, 5);
  if (mode === 'segfault') setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 200);
  if (mode === 'exits') setTimeout(() => process.exit(3), 200);
  return {
    stop: async () => {
      // Work that never ends: the child does not wait for it.
      if (mode === 'stubborn') await new Promise(() => undefined);
      clearInterval(timer);
    },
  };
});
