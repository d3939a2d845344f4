/** What people do with alerts and how many there are, as the page asks for it. */
import type { ActTold } from './alert-acts.ts';
import type { ActAnswer, PageAlerts } from './page/source.ts';
import type { Pipeline } from './pipeline-ports.ts';
import type { Store } from './store/open.ts';

interface Parts {
  readonly pipeline: Pick<Pipeline, 'alertAction' | 'acts'>;
  readonly store: Pick<Store, 'occurrence' | 'occurrenceRecords' | 'alertFigures'>;
}

export function alertSources({ pipeline, store }: Parts): PageAlerts {
  /** An occurrence nobody knows here was never there, or is over. */
  const answer = async (occurrence: string, { outcome, durable }: ActTold): Promise<ActAnswer> => {
    await durable;
    if (outcome === 'done') return { state: pipeline.acts.state(occurrence) };
    if (outcome !== 'unknown-occurrence') return { refused: outcome };
    const records = await store.occurrence(occurrence);
    return { refused: records.length === 0 ? 'unknown-occurrence' : 'not-open' };
  };
  return {
    tell: (occurrence, said, by) => answer(occurrence, pipeline.acts.told(occurrence, said, by)),
    shelve: (occurrence, { forS, comment }, by) =>
      answer(occurrence, pipeline.alertAction(occurrence, { kind: 'shelve', actor: by, forS, comment })),
    unshelve: (occurrence, by) => answer(occurrence, pipeline.alertAction(occurrence, { kind: 'unshelve', actor: by })),
    records: (query) => store.occurrenceRecords(query),
    figures: (query) => store.alertFigures(query),
  };
}
