import { test } from 'node:test';
import assert from 'node:assert/strict';
import { importProblems, importsOf, roomProblems } from '../../check/rooms.ts';
import { repositoryFiles } from '../../check/files.ts';

test('the repository keeps the table of imports', () => {
  assert.deepEqual(roomProblems(repositoryFiles()), []);
});

test('every forbidden way between rooms is caught, with its line', () => {
  const forbidden: readonly [file: string, specifier: string][] = [
    ['drivers/modbus/driver.ts', '../../agent/config/load.ts'],
    ['drivers/contract.ts', '../cloud-bridge/contract.ts'],
    ['models/run.ts', '../drivers/contract.ts'],
    ['cloud-bridge/cli.ts', '../agent/errors.ts'],
    ['simulators/cli.ts', '../drivers/profiles/load.ts'],
    ['agent/main.ts', '../cloud-bridge/bridge.ts'],
    ['agent/main.ts', '../simulators/cli.ts'],
    ['agent/web/app.tsx', '../../../test/support/peers.ts'],
    ['test/demo/score/score.ts', '../../../drivers/profiles/load.ts'],
    ['test/demo/score/read.ts', '../../../agent/ring/block.ts'],
    ['test/demo/score/faults.ts', '../launcher.ts'],
  ];
  for (const [file, specifier] of forbidden) {
    for (const code of [
      `import { x } from '${specifier}';`,
      `import type { X } from "${specifier}";`,
      `import {\n  x,\n} from '${specifier}';`,
      `export * from '${specifier}';`,
      `import '${specifier}';`,
      `const m = await import('${specifier}');`,
      `new URL('${specifier}', import.meta.url);`,
    ]) {
      const problems = importProblems(file, `// first line\n${code}`);
      assert.equal(problems.length, 1, `${file}: ${code}`);
      assert.match(problems[0] ?? '', /^[^:]+:[234]: \S+ may not import/);
    }
  }
});

test('what the table allows passes', () => {
  const allowed: readonly [file: string, specifier: string][] = [
    ['agent/main.ts', '../drivers/contract.ts'],
    ['agent/sync/sync.ts', '../../cloud-bridge/contract.ts'],
    ['agent/main.ts', './config/load.ts'],
    ['agent/main.ts', 'node:fs'],
    ['agent/version.ts', '../package.json'],
    ['test/unit/x.test.ts', '../../simulators/cli.ts'],
    ['cloud-bridge/cli.ts', './contract.ts'],
  ];
  for (const [file, specifier] of allowed) {
    assert.deepEqual(importProblems(file, `import { x } from '${specifier}';`), [], `${file} ${specifier}`);
  }
});

test('imports shown in comments are none', () => {
  assert.deepEqual(importsOf(`/* import x from '../agent/x.ts' */\n  // import '../agent/y.ts'\nconst a = 1;`), []);
});

test('a stray file at the top of the repository is told', () => {
  assert.match(roomProblems(['notes.txt'])[0] ?? '', /notes\.txt has no place/);
});
