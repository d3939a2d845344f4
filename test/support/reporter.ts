/** Writes what one test file did as JSON lines, for `test/support/run.ts`. A node:test reporter. */
import type { TestEvent } from 'node:test/reporters';

/** One line of the report of a file. */
export type Line =
  | { readonly kind: 'pass' | 'skip' | 'todo'; readonly name: string; readonly reason: string; readonly ms: number }
  | { readonly kind: 'fail'; readonly name: string; readonly error: string; readonly ms: number }
  /** Every test known so far is over; the process should end by itself now. */
  | { readonly kind: 'idle' };

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  let open = 0;
  for await (const event of events) {
    if (event.type === 'test:enqueue') open += 1;
    if (event.type === 'test:start') {
      names.length = event.data.nesting;
      names.push(event.data.name);
    }
    const line = lineOf(event, names);
    if (line !== null) yield `${JSON.stringify(line)}\n`;
    if (event.type === 'test:complete') open -= 1;
    const told = event.type === 'test:pass' || event.type === 'test:fail';
    if (told && open === 0) yield `${JSON.stringify({ kind: 'idle' } satisfies Line)}\n`;
  }
}

function lineOf(event: TestEvent, names: readonly string[]): Line | null {
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return null;
  const { data } = event;
  const { details } = data;
  // Names of the suites and tests around it make a name that can be found again.
  const name = [...names.slice(0, data.nesting), data.name].join(' > ');
  const ms = Math.round(details.duration_ms);
  if (event.type === 'test:fail') {
    const { error } = event.data.details;
    // A parent that only counts its failed children would be the same failure twice.
    if ('failureType' in error && error.failureType === 'subtestsFailed') return null;
    return { kind: 'fail', name, error: describe(error), ms };
  }
  if (details.type === 'suite') return null;
  if (data.skip !== undefined)
    return { kind: 'skip', name, reason: typeof data.skip === 'string' ? data.skip : '', ms };
  if (data.todo !== undefined)
    return { kind: 'todo', name, reason: typeof data.todo === 'string' ? data.todo : '', ms };
  return { kind: 'pass', name, reason: '', ms };
}

/** The failure itself rather than the wrapper node:test puts around it. */
function describe(error: Error): string {
  const inner = error.cause instanceof Error ? error.cause : error;
  const cause = inner.cause instanceof Error ? `\ncaused by ${inner.cause.stack ?? inner.cause.message}` : '';
  if (typeof error.cause === 'string' && error.cause !== '') return error.cause;
  return `${inner.stack ?? inner.message}${cause}`;
}
