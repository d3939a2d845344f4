/** Runs a verb of the agent as its user does: as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { repository } from '../check/files.ts';

export interface Told<Report> {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** null when none was written. */
  readonly report: Report | null;
}

export interface Running<Report> {
  readonly child: ChildProcess;
  readonly ended: Promise<Told<Report>>;
}

/** Starts `selvedge VERB ARGS --json FILE` in a home of its own, which must be empty at the end: a verb leaves nothing behind. */
export function startVerb<Report>(t: TestContext, verb: string, ...args: readonly string[]): Running<Report> {
  const dir = mkdtempSync(join(tmpdir(), `selvedge-${verb}-`));
  const json = join(dir, 'report.json');
  // `exec`: a signal for the child is one for the verb itself.
  const launcher = join(repository, 'agent/bin/selvedge');
  const child = spawn('sh', [launcher, verb, ...args, '--json', json], {
    cwd: tmpdir(),
    env: { ...process.env, HOME: dir, XDG_CONFIG_HOME: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const { promise: ended, resolve, reject } = Promise.withResolvers<Told<Report>>();
  child.once('error', reject);
  child.once('close', (code) => {
    const text = existsSync(json) ? readFileSync(json, 'utf8') : null;
    const left = readdirSync(dir).filter((name) => name !== 'report.json');
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
    if (left.length > 0) reject(new TypeError(`${verb} left ${left.join(', ')} in the home of its user`));
    else resolve({ code, out, err, report: text === null ? null : (JSON.parse(text) as Report) });
  });
  t.after(() => void child.kill('SIGKILL'));
  return { child, ended };
}

export const runVerb = <Report>(t: TestContext, verb: string, ...args: readonly string[]): Promise<Told<Report>> =>
  startVerb<Report>(t, verb, ...args).ended;
