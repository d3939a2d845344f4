import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flatAlert } from '../../../agent/page/feed.ts';
import { agreeWord, changeWord, linesOf, type Incident } from '../../../agent/web/incident-lines.ts';
import { english } from '../../../agent/web/speech.ts';
import { alertView } from './floor-demo.ts';

const incidentOf = (id: string, ...occurrences: readonly string[]): Incident => ({
  id,
  needle: 316,
  k: 2,
  senses: ['eye', 'ear'],
  occurrences,
  crop: null,
  spectrogram: null,
  legend: {},
});
const alertOf = (occurrence: string, incident: Incident | null = null) =>
  flatAlert(alertView({ occurrence, machine: 'ck-1', type: 'hole', text: 'Hole' }, { incident }));

test('alerts of one incident are one line, where its first alert stands; one alone is that alert', () => {
  const shared = incidentOf('a', 'a', 'b');
  const alone = incidentOf('d', 'd');
  const alerts = [alertOf('c'), alertOf('b', shared), alertOf('d', alone), alertOf('a', shared)];
  assert.deepEqual(
    linesOf(alerts).map((line) =>
      line.kind === 'alert' ? line.alert.occurrence : line.alerts.map(({ occurrence }) => occurrence),
    ),
    ['c', ['b', 'a'], 'd'],
  );
  const [line] = linesOf([alertOf('b', shared)]);
  assert.equal(line?.kind, 'incident', 'the other alert is over, and its evidence still counts');
});

test('an incident says which needle to change, and who says so', () => {
  assert.equal(changeWord({ needle: 316, k: 2 }, english), 'Change needle 316 (± 2)');
  assert.equal(changeWord({ needle: 316, k: 0 }, english), 'Change needle 316');
  assert.equal(changeWord({ needle: null, k: null }, english), 'Several alerts about one needle');
  assert.match(agreeWord({ senses: ['eye', 'ear'] }, english), /Eye and ear agree/);
  assert.match(agreeWord({ senses: ['eye'] }, english), /The eye told of it more than once/);
  assert.match(agreeWord({ senses: ['ear'] }, english), /The ear told of it more than once/);
});
