import { z } from 'zod';
import { defaultLife } from '../../agent/senses/life.ts';
import { SenseProcess, type SenseOptions } from '../../agent/senses/process.ts';

const message = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready'), pid: z.int() }),
  z.strictObject({ kind: z.literal('alive') }),
]);
type Message = z.infer<typeof message>;

/** A sense with a child of that mode, and with short times. */
export function senseOf(mode: string, more: Partial<SenseOptions<Message>> = {}): SenseProcess<Message> {
  return new SenseProcess<Message>({
    name: 'eye',
    script: new URL('./sense-child-modes.ts', import.meta.url),
    settings: { mode },
    message,
    onMessage: () => undefined,
    onState: () => undefined,
    clock: { monotonicMs: () => performance.now() },
    random: () => 0.5,
    log: () => undefined,
    life: { ...defaultLife, backoff: { minMs: 50, maxMs: 200 }, silentMs: 3_000 },
    ...more,
  });
}
