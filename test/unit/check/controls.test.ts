import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controls, whereBroken } from '../../support/controls.ts';

for (const [name, control] of Object.entries(controls)) {
  test(`control ${name} finds each text it breaks in exactly one source of its room`, () => {
    const found = whereBroken(control).map((files, index) => [control.changes[index]?.sound, files.length]);
    assert.deepEqual(
      found,
      control.changes.map(({ sound }) => [sound, 1]),
    );
  });
}
