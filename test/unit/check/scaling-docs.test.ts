import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsOf, needsTable } from '../../check/scaling-docs.ts';

const figures = { drain: 10_000, wire: 60_000, worker: 0.1, postgres: 0.05, broker: 0.002 } as const;

test('what a fleet needs follows from the figures', () => {
  const needs = needsOf(1_000, (row) => figures[row]);
  // By hand: 10,000 machines, 25 records a minute each; 60 kB an hour each; three times the steady pace.
  assert.equal(Math.round(needs.recordsPerS), 4_167);
  assert.equal(needs.mbitPerS.toFixed(2), '1.33');
  assert.equal(needs.gbPerGatewayMonth.toFixed(3), '0.432');
  assert.equal(needs.singleBridgeShare.toFixed(2), '1.25');
  assert.equal(needs.cores.worker.toFixed(2), '1.25');
  assert.equal(needs.cores.postgres.toFixed(3), '0.625');
  assert.equal(needs.cores.broker.toFixed(3), '0.025');
});

test('a row that was not measured shows in the table, and what hangs on it is no number', () => {
  const results = [{ name: 'drain:recordsPerS', unit: 'records/s', ours: null, pass: false, reason: 'not measured' }];
  const table = needsTable({ results, machine: { cpu: 'a chip', cores: 2, score: 1, loadBefore: 0, loadAfter: 0 } });
  assert.match(table, /\| `drain:recordsPerS` \| – records\/s \| no: not measured \|/);
  assert.match(table, /one bridge with SQLite.*NaN %/);
});
