/** The reader: answers one query after the other on read-only connections. */
import { parentPort, workerData } from 'node:worker_threads';
import { openReadOnly } from './connections.ts';
import { journalFile, ringFile } from './files.ts';
import type { HistoryOperations } from './history.ts';
import { Queries } from './queries.ts';
import { answerFailed, type CallOf } from './rpc.ts';

function answer(queries: Queries, call: CallOf<HistoryOperations>): unknown {
  switch (call.op) {
    case 'alerts':
      return queries.alerts(call.input);
    case 'occurrence':
      return queries.occurrence(call.input);
    case 'alertActs':
      return queries.acts.standing(call.input);
    case 'occurrenceRecords':
      return queries.occurrenceRecords(call.input);
    case 'alertFigures':
      return queries.figures.of(call.input);
    case 'events':
      return queries.events(call.input);
    case 'summaries':
      return queries.summaries(call.input);
    case 'writes':
      return queries.writes(call.input);
    case 'trend':
      return queries.trend(call.input);
    case 'rolls':
      return queries.rolls(call.input);
    case 'rollFile':
      return queries.rollFile(call.input);
    case 'machines':
      return queries.machines();
    case 'band':
      return queries.views.band(call.input);
    case 'timeline':
      return queries.views.timeline(call.input);
    case 'stops':
      return queries.views.stops(call.input);
    case 'table':
      return queries.views.table(call.input);
    case 'today':
      return queries.views.today(call.input);
    case 'shift':
      return queries.views.shift(call.input);
    case 'counts':
      return queries.counts();
  }
}

if (parentPort !== null) {
  const port = parentPort;
  const { dataDir } = workerData as { dataDir: string };
  const queries = new Queries(openReadOnly(journalFile(dataDir)), openReadOnly(ringFile(dataDir)));
  const take = async (call: CallOf<HistoryOperations>): Promise<void> => {
    try {
      port.postMessage({ id: call.id, value: await answer(queries, call) }, []);
    } catch (error) {
      answerFailed(port, call.id, error, call.op);
    }
  };
  port.on('message', (call: CallOf<HistoryOperations>) => void take(call));
}
