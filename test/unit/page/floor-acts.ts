/** What people do with the alerts of the stand-in floor: the real graph and the real fold, on a list instead of a journal. */
import type { EventRecord } from '../../../cloud-bridge/contract.ts';
import { actData, actEvent, noActs, takeAct } from '../../../agent/alerts/acts.ts';
import { alertFigures, type Activation } from '../../../agent/alerts/figures.ts';
import { advance, occurrenceFrom, type AlertInput } from '../../../agent/alerts/occurrence.ts';
import { alertDraft } from '../../../agent/alerts/record.ts';
import type { AlertView } from '../../../agent/live.ts';
import type { ActAnswer, OccurrenceRecord, PageAlerts } from '../../../agent/page/source.ts';

interface Lists {
  alerts: AlertView[];
  history: AlertView[];
}

export function floorActs(floor: () => Lists): PageAlerts {
  const told: OccurrenceRecord[] = [];
  let n = 10_000;
  const viewOf = (id: string) => floor().alerts.find(({ record }) => record.occurrence === id);
  const missing = (id: string): ActAnswer => ({
    refused: floor().history.some(({ record }) => record.occurrence === id) ? 'not-open' : 'unknown-occurrence',
  });
  const state = (id: string): ActAnswer => ({ state: viewOf(id)?.record.state ?? 'normal' });
  const put = (id: string, change: Partial<AlertView>): void => {
    const lists = floor();
    lists.alerts = lists.alerts.map((view) => (view.record.occurrence === id ? { ...view, ...change } : view));
  };
  const step = (id: string, input: AlertInput): boolean => {
    const view = viewOf(id);
    const occurrence = view === undefined ? null : occurrenceFrom(view.record, false);
    if (occurrence === null) return false;
    const { steps } = advance({ ...occurrence, verified: true }, input);
    for (const one of steps) {
      const record = { n: ++n, v: 1 as const, ...alertDraft(one, Date.now()) };
      told.push(record);
      put(id, { record });
    }
    const after = viewOf(id);
    if (after?.record.state === 'normal') {
      const lists = floor();
      lists.alerts = lists.alerts.filter((one) => one !== after);
      lists.history = [after, ...lists.history];
    }
    return steps.length > 0;
  };
  return {
    async tell(id, said, by) {
      const view = viewOf(id);
      if (view === undefined) return missing(id);
      const act = { ...said, by, atMs: Date.now() };
      const after = takeAct(view.acts ?? noActs, act);
      if (after !== null) {
        const data = actData(id, act);
        const base = { n: ++n, v: 1, kind: 'event', event: actEvent, phase: 'instant', fromMs: null } as const;
        told.push({ ...base, machine: view.record.machine, atMs: act.atMs, data } satisfies EventRecord);
        put(id, { acts: after });
      }
      const isAcked = said.kind === 'close' && step(id, { kind: 'ack', actor: by, comment: said.comment });
      return after === null && !isAcked ? { refused: 'not-open' } : state(id);
    },
    async shelve(id, { forS, comment }, by) {
      if (viewOf(id) === undefined) return missing(id);
      const untilMs = Date.now() + forS * 1000;
      return step(id, { kind: 'shelve', actor: by, untilMs, comment }) ? state(id) : { refused: 'not-open' };
    },
    async unshelve(id, by) {
      if (viewOf(id) === undefined) return missing(id);
      return step(id, { kind: 'unshelve', actor: by }) ? state(id) : { refused: 'not-open' };
    },
    async records({ occurrence, after, limit = 100 }) {
      const from = Number(after ?? '0');
      const of = told.filter((one) =>
        one.kind === 'alert' ? one.occurrence === occurrence : one.data['occurrence'] === occurrence,
      );
      const items = of.slice(from, from + limit);
      return { items, next: from + items.length < of.length ? String(from + items.length) : null };
    },
    async figures({ fromMs, toMs }) {
      const { alerts, history } = floor();
      const activations = [...alerts, ...history].map(({ record }): Activation => record);
      const standing = alerts.map(({ record }) => ({ ...record, sinceMs: record.raisedMs }));
      const named = standing.map(({ occurrence, machine, rule, text, sinceMs }) => ({
        occurrence,
        machine,
        rule,
        text,
        sinceMs,
      }));
      return alertFigures({ fromMs, toMs, activations, standing: named, isComplete: true });
    },
  };
}
