/** What a machine did over a chosen range: its states, why it stood, and tables of both. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import type { Stops, Timeline } from '../store/view-sums.ts';
import type { Failure } from './client.ts';
import { StateIcon } from './icons.tsx';
import { useLanguage, type Key } from './language.ts';
import { Problem } from './problem.tsx';
import { barsOf, sharesOf } from './timeline.ts';
import type { Now } from './times.ts';
import { csvPath, fetchStops, fetchTimeline, type Span } from './views-client.ts';
import { useWords } from './view-words.ts';

const hourMs = 3_600_000;
const ranges: readonly { readonly ms: number; readonly title: Key }[] = [
  { ms: 24 * hourMs, title: 'machine-page.range.24h' },
  { ms: 7 * 24 * hourMs, title: 'machine-page.range.7d' },
  { ms: 30 * 24 * hourMs, title: 'machine-page.range.30d' },
];
const everyMs = 60_000;

interface Past {
  readonly span: Span;
  readonly timeline: Timeline;
  readonly stops: Stops;
}

export function MachinePast({ machine, now }: { readonly machine: MachineView; readonly now: Now }) {
  const { say } = useLanguage();
  const [rangeMs, setRangeMs] = useState(24 * hourMs);
  const [past, setPast] = useState<Past | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  useEffect(() => {
    if (now.stale) return undefined;
    let gone = false;
    // The server's clock at the start, and this device's steady one from then on.
    const [startMs, startedMs] = [now.ms, performance.now()];
    const load = async (): Promise<void> => {
      const toMs = Math.round(startMs + performance.now() - startedMs);
      const span = { fromMs: Math.max(0, toMs - rangeMs), toMs };
      const [timeline, stops] = await Promise.all([fetchTimeline(machine.id, span), fetchStops(machine.id, span)]);
      if (gone) return;
      if (timeline.ok && stops.ok) setPast({ span, timeline: timeline.value, stops: stops.value });
      setProblem(!timeline.ok ? timeline : !stops.ok ? stops : null);
    };
    void load();
    const timer = window.setInterval(() => void load(), everyMs);
    return () => {
      gone = true;
      window.clearInterval(timer);
    };
  }, [machine.id, rangeMs, now.stale]);
  return (
    <>
      <section class="panel" aria-labelledby="states-title">
        <div class="view-head">
          <h3 id="states-title">{say('machine-page.states')}</h3>
          <div class="field">
            <label for="past-range">{say('machine-page.range')}</label>
            <select
              id="past-range"
              value={String(rangeMs)}
              onChange={(event) => setRangeMs(Number(event.currentTarget.value))}
            >
              {ranges.map(({ ms, title }) => (
                <option key={ms} value={String(ms)}>
                  {say(title)}
                </option>
              ))}
            </select>
          </div>
          {past !== null && (
            <a class="button-link" href={csvPath(machine.id, null, past.span)} download>
              {say('machine-page.csv-states')}
            </a>
          )}
        </div>
        <Problem of={problem} />
        {past === null ? <p class="loading">{say('shell.loading')}</p> : <States past={past} now={now} />}
      </section>
      <section class="panel" aria-labelledby="stops-title">
        <h3 id="stops-title">{say('machine-page.stops')}</h3>
        {past !== null && <StopsTable stops={past.stops} />}
      </section>
    </>
  );
}

function States({ past, now }: { readonly past: Past; readonly now: Now }) {
  const { say, number } = useLanguage();
  const words = useWords();
  const { timeline, span } = past;
  return (
    <>
      <svg class="timeline" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        {barsOf(timeline, span.fromMs).map(({ state, x, y, width, height }) => (
          <rect key={`${x} ${state}`} class={`bar-${state.toLowerCase()}`} x={x} y={y} width={width} height={height} />
        ))}
      </svg>
      <p class="timeline-ends hint" aria-hidden="true">
        <span>{now.time.at(span.fromMs, now.ms)}</span>
        <span>{now.time.at(timeline.toMs, now.ms)}</span>
      </p>
      <div class="scroll" tabIndex={0} role="region" aria-label={say('machine-page.states-table')}>
        <table class="states-table">
          <thead>
            <tr>
              <th scope="col">{say('machine-page.state')}</th>
              <th scope="col">{say('machine-page.time')}</th>
              <th scope="col">{say('machine-page.share')}</th>
            </tr>
          </thead>
          <tbody>
            {sharesOf(timeline).map(({ state, seconds, share }) => (
              <tr key={state} data-state={state}>
                <td>
                  <span class={`badge state-${state.toLowerCase()} state`}>
                    <StateIcon state={state} />
                    {words.state(state)}
                  </span>
                </td>
                <td>{words.lasted(seconds * 1000)}</td>
                <td>{number(share * 100, 1)} %</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function StopsTable({ stops: { stops, runS, idleS, unknownS } }: { readonly stops: Stops }) {
  const { say, number } = useLanguage();
  const words = useWords();
  const longest = stops[0]?.seconds ?? 0;
  const total = stops.reduce((sum, { seconds }) => sum + seconds, 0);
  const figures = [
    ['machine-page.ran', runS],
    ['machine-page.idle', idleS],
    ['machine-page.stood', total],
    ['machine-page.unknown', unknownS],
  ] as const;
  return (
    <>
      <dl class="figures">
        {figures.map(([key, seconds]) => (
          <div key={key}>
            <dt>{say(key)}</dt>
            <dd>{words.lasted(seconds * 1000)}</dd>
          </div>
        ))}
      </dl>
      {stops.length === 0 ? (
        <p class="empty">{say('machine-page.no-stops')}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={say('machine-page.stops-table')}>
          <table class="stops-table">
            <thead>
              <tr>
                <th scope="col">{say('machine-page.cause')}</th>
                <th scope="col">{say('machine-page.time')}</th>
                <th scope="col">{say('machine-page.count')}</th>
                <th scope="col">{say('machine-page.share')}</th>
              </tr>
            </thead>
            <tbody>
              {stops.map(({ cause, seconds, count }) => (
                <tr key={cause ?? ''}>
                  <td>
                    {cause === null ? say('machine-page.cause-unknown') : words.cause(cause)}
                    <svg
                      class="pareto"
                      viewBox="0 0 1 1"
                      preserveAspectRatio="none"
                      aria-hidden="true"
                      focusable="false"
                    >
                      <rect x={0} y={0} height={1} width={longest === 0 ? 0 : seconds / longest} />
                    </svg>
                  </td>
                  <td>{words.lasted(seconds * 1000)}</td>
                  <td>{number(count)}</td>
                  <td>{total === 0 ? '–' : `${number((100 * seconds) / total, 1)} %`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
