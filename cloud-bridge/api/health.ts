/** The bridge about itself: JSON for people and scripts, Prometheus text for monitoring. */
import type { HealthView } from './operations.ts';
import type { ApiParts } from './parts.ts';

interface Totals {
  readonly gateways: number;
  readonly online: number;
  readonly batches: number;
  readonly repeats: number;
  readonly forks: number;
}

/**
 * A row for each gateway is read and none of their records, however many there are: this is asked every few seconds. Null when
 * the store cannot be asked: the bridge must still say how it is.
 */
async function totalsOf({ store }: ApiParts): Promise<Totals | null> {
  try {
    const [row] = await store.rows<Totals>(
      `SELECT count(*) AS gateways, coalesce(sum(batches), 0) AS batches, coalesce(sum(repeats), 0) AS repeats,
        coalesce(sum(forks), 0) AS forks, (SELECT count(*) FROM status WHERE online) AS online
       FROM gateway`,
    );
    return row ?? null;
  } catch {
    return null;
  }
}

/** `ok` is false when batches cannot be stored or the broker is away. */
export async function healthOf(parts: ApiParts): Promise<HealthView> {
  const { metrics, link, store, nowMs } = parts;
  const { connected, detail } = link.state();
  const totals = await totalsOf(parts);
  return {
    ok: connected && totals !== null && !metrics.storeDown,
    nowMs: nowMs(),
    broker: { connected, detail },
    store: {
      writable: totals !== null && !metrics.storeDown,
      setAside: store.quarantine?.path ?? null,
      /** Of what was set aside: how much was saved, and what is missing. */
      saved: store.quarantine?.saved ?? null,
    },
    waiting: metrics.waiting,
    ...(totals ?? { gateways: null, online: null, batches: null, repeats: null, forks: null }),
  };
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

/** Prometheus text format 0.0.4. Label values are of our own making: letters, digits and dashes. */
export async function metricsText(parts: ApiParts): Promise<string> {
  const { metrics, link } = parts;
  const totals = await totalsOf(parts);
  const counter = (name: string, help: string, value: number): Family => ({
    name,
    help,
    type: 'counter',
    samples: [{ value }],
  });
  const gauge = (name: string, help: string, value: number): Family => ({
    name,
    help,
    type: 'gauge',
    samples: [{ value }],
  });
  const labelled = (name: string, help: string, label: string, values: Readonly<Record<string, number>>): Family => ({
    name,
    help,
    type: 'counter',
    samples: Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value })),
  });
  const families: Family[] = [
    {
      name: 'answers_total',
      help: 'Answers to batches, by result and code.',
      type: 'counter',
      samples: metrics.answers().map(({ result, code, count }) => ({ labels: { result, code }, value: count })),
    },
    counter('up_messages_total', 'Payloads received on up topics.', metrics.upMessages),
    counter('up_bytes_total', 'Bytes received on up topics.', metrics.upBytes),
    counter('records_stored_total', 'Records stored.', metrics.recordsStored),
    counter('records_known_total', 'Records of new batches that were stored already.', metrics.recordsKnown),
    counter('commits_total', 'Transactions that stored batches.', metrics.commits),
    counter('commit_seconds_total', 'Time spent in them.', metrics.commitMs / 1000),
    counter('answers_unsent_total', 'Answers the broker did not take.', metrics.answersUnsent),
    counter('chunks_total', 'Chunks of evidence files received.', metrics.chunks),
    labelled('chunk_answers_total', 'Answers to chunks of evidence files.', 'result', metrics.chunkAnswers),
    labelled('dropped_total', 'Messages that could not be used or answered, by reason.', 'reason', metrics.dropped),
    labelled('statuses_total', 'Births and deaths, taken or older than the stored one.', 'outcome', metrics.statuses),
    labelled('refused_total', 'What the embedded broker refused, by kind.', 'kind', metrics.refused),
    labelled(
      'enrolments_total',
      'Certificates given for join files, renewed, and refused.',
      'outcome',
      metrics.enrolment,
    ),
    gauge('waiting_batches', 'Batches that wait to be stored.', metrics.waiting),
    gauge('store_writable', '1 when batches can be stored.', metrics.storeDown || totals === null ? 0 : 1),
    gauge('broker_connected', '1 when messages can arrive.', link.state().connected ? 1 : 0),
  ];
  if (totals !== null) {
    families.push(
      gauge('gateways', 'Gateways ever heard.', totals.gateways),
      gauge('batches', 'Batches in the store, by whichever worker.', totals.batches),
      gauge('gateways_online', 'Gateways whose newest status is a birth.', totals.online),
      gauge('forks', 'Boots shared by cloned or restored gateways.', totals.forks),
    );
  }
  return families.map(textOf).join('');
}

function textOf({ name, help, type, samples }: Family): string {
  const full = `selvedge_bridge_${name}`;
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${text}"`);
    return `${full}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}
