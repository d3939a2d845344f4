/** The handlers that show and teach the ear a machine, and take what staff say of its alerts. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { noEar, refuse, wrong, type Handler } from './answer.ts';
import type { ProblemBody } from './api.ts';
import { soundOperations as operations } from './sound-api.ts';
import type { PageSources, SoundView } from './source.ts';

const problems = {
  'no-ear': [404, noEar],
  busy: [409, 'This machine is being enrolled already. Wait until that has ended, or stop it.'],
  'not-running': [409, 'This machine is not being enrolled.'],
  'unknown-occurrence': [404, 'There is no such alert of the ear.'],
  'no-print': [409, 'This alert does not say by what it was told, so nothing can be learned from it.'],
  'too-many-labels': [409, 'So much was said of this machine that it should be enrolled anew.'],
  'no-label': [409, 'Nothing was said of this alert.'],
} as const;

type Outcome = SoundView | keyof typeof problems;

function told(reply: FastifyReply, outcome: Outcome): SoundView | ProblemBody {
  if (typeof outcome !== 'string') return outcome;
  const [status, message] = problems[outcome];
  return refuse(reply, status, outcome, message);
}

type Name = 'sound' | 'teachSound' | 'stopTeachingSound' | 'labelSound' | 'unlabelSound';

function handler<P extends z.ZodObject, B extends z.ZodObject>(
  { params, body }: { readonly params: P; readonly body: B },
  act: (params: z.infer<P>, body: z.infer<B>, by: string) => Outcome | Promise<Outcome>,
): Handler {
  return async (request, reply) => {
    const where = params.safeParse(request.params);
    if (!where.success) return wrong(reply, where.error);
    const said = body.safeParse(request.body ?? {});
    if (!said.success) return wrong(reply, said.error);
    if (request.session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
    return told(reply, await act(where.data, said.data, request.session.name));
  };
}

/** The handlers of the routes of sound: all are told who asks. */
export function soundHandlers({ sound }: Pick<PageSources, 'sound'>): Record<Name, Handler> {
  const { labelSound, unlabelSound, teachSound, stopTeachingSound } = operations;
  const shown = { params: operations.sound.params, body: z.strictObject({}) };
  return {
    sound: handler(shown, ({ machine }) => sound.view(machine) ?? 'no-ear'),
    teachSound: handler(teachSound, ({ machine }, { samples }, by) => sound.teach(machine, samples, by)),
    stopTeachingSound: handler(stopTeachingSound, ({ machine }, _body, by) => sound.cancel(machine, by)),
    labelSound: handler(labelSound, ({ occurrence }, { said, cause }, by) =>
      sound.label(occurrence, { said, cause: cause === undefined || cause === '' ? null : cause }, by),
    ),
    unlabelSound: handler(unlabelSound, ({ occurrence }, _body, by) => sound.takeBack(occurrence, by)),
  };
}
