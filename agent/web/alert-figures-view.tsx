/** How much the alerts ask of people, in the figures of ISA-18.2 and EEMUA 191. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { fetchFigures, type Figures } from './acts-client.ts';
import { alertTitle } from './alert-title.ts';
import type { Alert } from './floor-state.ts';
import type { Failure } from './client.ts';
import { useLanguage, type Key } from './language.ts';
import { Problem } from './problem.tsx';
import type { ViewProps } from './views.ts';

const hourMs = 3_600_000;
const everyMs = 60_000;
const spans = [
  [8, 'acts.figures.8-h'],
  [24, 'acts.figures.1-d'],
  [168, 'acts.figures.7-d'],
  [720, 'acts.figures.30-d'],
] as const satisfies readonly (readonly [number, Key])[];

export function AlertFiguresView({ now, machineName }: ViewProps) {
  const { say } = useLanguage();
  const [hours, setHours] = useState(168);
  const [figures, setFigures] = useState<Figures | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const nowMs = useRef(now.ms);
  nowMs.current = now.ms;
  useEffect(() => setFigures(null), [hours]);
  useEffect(() => {
    if (now.stale) return undefined;
    let wanted = true;
    const load = async (): Promise<void> => {
      const answer = await fetchFigures(nowMs.current - hours * hourMs, nowMs.current);
      if (!wanted) return;
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setFigures(answer.value);
    };
    void load();
    const timer = window.setInterval(() => void load(), everyMs);
    return () => {
      wanted = false;
      window.clearInterval(timer);
    };
  }, [hours, now.stale]);
  return (
    <section class="alert-figures" aria-labelledby="figures-title">
      <h2 id="figures-title">{say('acts.figures.title')}</h2>
      <div class="field">
        <label for="figures-span">{say('acts.figures.span')}</label>
        <select
          id="figures-span"
          value={String(hours)}
          onChange={(event) => setHours(Number(event.currentTarget.value))}
        >
          {spans.map(([of, word]) => (
            <option key={of} value={String(of)}>
              {say(word)}
            </option>
          ))}
        </select>
      </div>
      <Problem of={problem} />
      {figures === null && problem === null && <p class="loading">{say('shell.loading')}</p>}
      {figures !== null && <Shown figures={figures} machineName={machineName} at={(ms) => now.time.at(ms, now.ms)} />}
    </section>
  );
}

interface ShownProps {
  readonly figures: Figures;
  readonly machineName: (id: string) => string;
  readonly at: (ms: number) => string;
}

function Shown({ figures, machineName, at }: ShownProps) {
  const language = useLanguage();
  const { say, number } = language;
  const titleOf = ({ rule, text }: Pick<Alert, 'rule' | 'text'>) => alertTitle({ rule, text, evidence: {} }, language);
  const { worst, chattering, chatteringTotal, stale, staleTotal, floods, operators, perOperatorHour } = figures;
  const [machine, alert] = [say('acts.figures.machine'), say('acts.figures.alert')];
  const percent = (share: number) => `${number(share * 100, 1)} %`;
  return (
    <>
      <p class="hint">{say('acts.figures.as-of', { time: at(figures.toMs) })}</p>
      {!figures.isComplete && <p class="problem">{say('acts.figures.incomplete')}</p>}
      <dl class="figures">
        <Figure title={say('acts.figures.raised')} value={number(figures.raised)} />
        <Figure title={say('acts.figures.per-hour')} value={number(figures.perHour)} />
        <Figure
          title={say('acts.figures.per-operator-hour')}
          value={perOperatorHour === null ? '–' : number(perOperatorHour)}
          note={operators === null ? say('acts.figures.nobody') : say('acts.figures.operators', { count: operators })}
        />
        <Figure
          title={say('acts.figures.floods')}
          value={number(floods.count)}
          note={say('acts.figures.floods-note', { minutes: floods.minutes, most: floods.most })}
        />
      </dl>
      <Table
        title={say('acts.figures.worst')}
        note={null}
        heads={[machine, alert, say('acts.figures.times'), say('acts.figures.share')]}
        rows={worst.map((of) => [machineName(of.machine), titleOf(of), number(of.raised), percent(of.share)])}
      />
      <Table
        title={say('acts.figures.chattering', { count: chatteringTotal })}
        note={say('acts.figures.chattering-note')}
        heads={[machine, alert, say('acts.figures.most')]}
        rows={chattering.map((of) => [machineName(of.machine), titleOf(of), number(of.most)])}
      />
      <Table
        title={say('acts.figures.stale', { count: staleTotal })}
        note={say('acts.figures.stale-note')}
        heads={[machine, alert, say('acts.figures.since')]}
        rows={stale.map((of) => [machineName(of.machine), titleOf(of), at(of.sinceMs)])}
      />
    </>
  );
}

function Figure({ title, value, note }: { readonly title: string; readonly value: string; readonly note?: string }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        <strong>{value}</strong>
        {note !== undefined && <span class="hint">{note}</span>}
      </dd>
    </div>
  );
}

interface TableProps {
  readonly title: string;
  readonly note: string | null;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly ComponentChildren[])[];
}

function Table({ title, note, heads, rows }: TableProps) {
  const { say } = useLanguage();
  return (
    <>
      <h3>{title}</h3>
      {note !== null && <p class="hint">{note}</p>}
      {rows.length === 0 ? (
        <p class="empty">{say('acts.figures.none')}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={title}>
          <table>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((cells, row) => (
                <tr key={row}>
                  {cells.map((cell, column) => (
                    <td key={column}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
