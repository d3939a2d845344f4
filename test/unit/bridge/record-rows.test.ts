import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordTables, rowOf } from '../../../cloud-bridge/store/record-rows.ts';
import { alert, bootA, event, machine, stateSummary, summary } from './making.ts';

test('the values of a row stand in the order of its columns: SQLite is given them by place', () => {
  const records = [machine(1), event(2), alert(3), summary(4), stateSummary(5)];
  const seen = records.map((record) => {
    const { table, row } = rowOf('demo-gw', bootA, record);
    assert.deepEqual(Object.keys(row), recordTables[table].columns, table);
    return table;
  });
  assert.deepEqual(seen.toSorted(), Object.keys(recordTables).toSorted());
  for (const { key, columns } of Object.values(recordTables)) for (const name of key) assert.ok(columns.includes(name));
});
