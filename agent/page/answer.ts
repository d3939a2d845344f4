/** What the handlers of the page answer with when they do not give what was asked for. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ProblemBody } from './api.ts';

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Answers with a problem in words. */
export function refuse(
  reply: FastifyReply,
  status: number,
  code: string,
  message: string,
  more: object = {},
): ProblemBody {
  reply.code(status);
  return { error: { code, message }, ...more };
}

export function wrong(reply: FastifyReply, error: z.ZodError): ProblemBody {
  const text = error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`).join('; ');
  return refuse(reply, 400, 'bad-request', text);
}

export const noEye = 'No camera looks at the cloth of that machine.';
export const noEar = 'No microphone hears that machine.';
