/** The handlers of the view Shift. */
import { refuse, wrong, type Handler } from './answer.ts';
import { shiftOperations as operations } from './shift-api.ts';
import { shiftCsv, shiftView } from './shift.ts';
import type { PageSources } from './source.ts';

export function shiftHandlers(sources: PageSources): Record<keyof typeof operations, Handler> {
  return {
    async shift(request, reply) {
      const query = operations.shift.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      return shiftView(await sources.views.shift(query.data.at ?? null), sources.machines());
    },

    async shiftCsv(request, reply) {
      const query = operations.shiftCsv.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const summed = await sources.views.shift(query.data.at ?? null);
      // A file keeps no mark of what was missing.
      if (!summed.sums.isWhole) {
        return refuse(reply, 503, 'busy', 'The shift is still being added up. Ask again in a few seconds.');
      }
      const machines = sources.machines();
      const lines = shiftCsv(shiftView(summed, machines), machines, summed.timeZone);
      const at = new Date(summed.shift.fromMs).toISOString().slice(0, 16).replaceAll(':', '');
      reply.header('content-disposition', `attachment; filename="shift-${at}.csv"`);
      return reply.type(`${operations.shiftCsv.response.media}; charset=utf-8`).send(lines);
    },
  };
}
