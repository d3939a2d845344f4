/**
 * A renewal beside the agent's work. What makes certificates takes a tenth of a second to load on a desktop, and several times that on a
 * small gateway: polls would wait for it. So it is done on a thread that ends with it.
 *
 * Invariants (test/unit/certificates/renewal.test.ts):
 *  T1  What makes certificates is never loaded by the thread that asks.
 *  T2  It fails as `renewServer` does; a thread that dies, or says nothing in time, is a failure, and none is left.
 */
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { AgentError, agentErrors } from '../errors.ts';
import type { ServerWhy } from './plan.ts';
import type { CertificateSubject } from './update.ts';

/** What the thread is given. */
export interface RenewalTask {
  readonly subject: CertificateSubject;
  /** UTC ms. */
  readonly nowMs: number;
}

const whys = ['missing', 'damaged', 'expired', 'not-yet', 'names', 'ends-soon', 'authority'] as const;
const toldSchema = z.union([
  z.strictObject({ why: z.enum(whys satisfies readonly ServerWhy[]).nullable() }),
  z.strictObject({ code: z.string().nullable(), detail: z.string() }),
]);
export type RenewalTold = z.infer<typeof toldSchema>;

const mostMs = 60_000;

/**
 * As `renewServer`, on a thread of its own.
 * @throws AgentError `pageAuthorityUnfit`, `fileUnwritable`, `pageCertificateNotRenewed`
 */
export async function renewOnThread(
  { dataDir, gateway, names }: CertificateSubject,
  nowMs: number,
  thread = new URL('./renewal-thread.ts', import.meta.url),
): Promise<ServerWhy | null> {
  // Plain data: the subject of a keeper holds functions, too.
  const task: RenewalTask = { subject: { dataDir, gateway, names }, nowMs };
  const worker = new Worker(thread, { workerData: task });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const timer = setTimeout(() => resolve(null), mostMs);
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => resolve(null));
  try {
    const told = toldSchema.safeParse(await promise).data;
    if (told === undefined) throw new AgentError('pageCertificateNotRenewed', 'the thread that renews it ended');
    if ('why' in told) return told.why;
    throw failureOf(told);
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function failureOf({ code, detail }: { readonly code: string | null; readonly detail: string }): AgentError {
  const known = (['pageAuthorityUnfit', 'fileUnwritable'] as const).find((key) => agentErrors[key].code === code);
  return new AgentError(known ?? 'pageCertificateNotRenewed', detail);
}
