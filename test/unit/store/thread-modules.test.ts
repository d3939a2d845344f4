import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { repository } from '../../check/files.ts';

/** Every module that is loaded for this one, before it is run. */
function loadedFor(file: string): readonly string[] {
  const script = `
    import { registerHooks } from 'node:module';
    import { pathToFileURL } from 'node:url';
    const urls = [];
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
    await import(pathToFileURL(${JSON.stringify(file)}).href).catch(() => undefined);
    process.stdout.write(JSON.stringify(urls), () => process.exit(0));`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: repository, encoding: 'utf8' });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as string[];
}

test('the thread that writes loads no schemas: they would be 13 MB a second time', () => {
  const loaded = loadedFor('agent/store/writer-thread.ts');
  assert.ok(loaded.some((url) => url.endsWith('/agent/store/journal.ts')));
  assert.deepEqual(
    loaded.filter((url) => url.includes('/node_modules/zod/') || url.includes('/cloud-bridge/')),
    [],
  );
  assert.ok(loadedFor('agent/store/checked.ts').some((url) => url.includes('/node_modules/zod/')));
});
