/** The handlers of the views Floor, Machine and Health. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { refuse, wrong, type Handler } from './answer.ts';
import type { PageSources } from './source.ts';
import { viewsOperations as operations } from './views-api.ts';

const maxSpanMs = 31 * 86_400_000;
const badSpan = 'from must be before to, by at most 31 days';
const isSpan = ({ from, to }: { readonly from: number; readonly to: number }) => from < to && to - from <= maxSpanMs;

/** A name that any system of files takes. */
const fileName = (text: string) =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '')
    .slice(0, 60) || 'machine';

export function viewsHandlers(sources: PageSources): Record<keyof typeof operations, Handler> {
  const { views } = sources;
  /** A machine whose past is asked for may be gone from the configuration; its unit is then not known. */
  const unitOf = (machine: string, signal: string) =>
    sources
      .machines()
      .find(({ id }) => id === machine)
      ?.signals.find((one) => one.signal === signal)?.unit ?? '';
  const refuseSpan = (reply: FastifyReply) => refuse(reply, 400, 'bad-request', badSpan);

  return {
    today: () => views.today(),

    async band(request, reply) {
      const params = operations.band.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const query = operations.band.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      if (!isSpan(query.data)) return refuseSpan(reply);
      const { signal, from, to, points } = query.data;
      return views.band({ ...params.data, signal, fromMs: from, toMs: to, points });
    },

    async timeline(request, reply) {
      const params = operations.timeline.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const query = operations.timeline.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      if (!isSpan(query.data)) return refuseSpan(reply);
      const { from, to, steps } = query.data;
      return views.timeline({ ...params.data, fromMs: from, toMs: to, steps });
    },

    async stops(request, reply) {
      const params = operations.stops.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const query = operations.stops.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      if (!isSpan(query.data)) return refuseSpan(reply);
      return views.stops({ ...params.data, fromMs: query.data.from, toMs: query.data.to });
    },

    async exportCsv(request, reply) {
      const params = operations.exportCsv.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const query = operations.exportCsv.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      if (!isSpan(query.data)) return refuseSpan(reply);
      const { machine } = params.data;
      const { signal = null, from, to } = query.data;
      const unit = signal === null ? '' : unitOf(machine, signal);
      const lines = views.csv({ machine, signal, unit, fromMs: from, toMs: to });
      const name = `${fileName(machine)}-${fileName(signal ?? 'states')}.csv`;
      reply.header('content-disposition', `attachment; filename="${name}"`);
      return reply.type(`${operations.exportCsv.response.media}; charset=utf-8`).send(Readable.from(lines));
    },

    async doctor(_request, reply) {
      const examined = await views.doctor();
      if (examined === null) {
        return refuse(
          reply,
          503,
          'no-examination',
          'The examination gave no answer. Run `selvedge doctor` on the gateway.',
        );
      }
      return { atMs: examined.atMs, items: examined.report.checks, next: null };
    },
  };
}
