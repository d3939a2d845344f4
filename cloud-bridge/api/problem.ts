/** How the API says no: a code for programs and a sentence for people, the same everywhere. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';

export const problemBody = z.strictObject({
  error: z.strictObject({
    code: z.string().describe('For programs: letters and dashes, the same for the same reason'),
    message: z.string(),
  }),
});
export type ProblemBody = z.infer<typeof problemBody>;

/** Sets the status and returns the body to send. */
export function refuse(reply: FastifyReply, status: number, code: string, message: string): ProblemBody {
  reply.code(status);
  return { error: { code, message } };
}
