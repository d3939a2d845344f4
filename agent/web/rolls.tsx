/** The rolls of a machine whose cloth a camera looks at, and the map of one of them. */
import { useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { beginRoll, fetchRolls, rollMapPath, type RollListed } from './client.ts';
import type { Now } from './times.ts';

interface Props {
  readonly machine: MachineView;
  readonly now: Now;
  /** null: this person may not say that a roll begins. */
  readonly csrf: string | null;
}

/** Where an alert of the eye leads to. */
export const rollsId = (machine: string): string => `rolls-${machine}`;

/** Opens the rolls of a machine before the browser goes there. */
export function openRolls(machine: string): void {
  const details = document.getElementById(rollsId(machine));
  if (details instanceof HTMLDetailsElement) details.open = true;
}

export function Rolls({ machine, now, csrf }: Props) {
  const [rolls, setRolls] = useState<readonly RollListed[] | null>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = async (): Promise<void> => {
    const answer = await fetchRolls(machine.id);
    setProblem(answer.ok ? null : answer.message);
    if (!answer.ok) return;
    setRolls(answer.value.items);
    setChosen((before) => before ?? answer.value.items[0]?.number ?? null);
  };
  const roll = rolls?.find(({ number }) => number === chosen) ?? null;
  return (
    <details
      id={rollsId(machine.id)}
      class="rolls"
      onToggle={(event) => {
        // Closed, it forgets the picture, so that it is drawn anew when it is opened.
        if (event.currentTarget.open) void load();
        else {
          setRolls(null);
          setChosen(null);
        }
      }}
    >
      <summary>Roll map</summary>
      {problem !== null && <p class="problem">{problem}</p>}
      {rolls !== null && rolls.length === 0 && <p class="empty">No roll yet: the camera has seen no cloth.</p>}
      {rolls !== null && roll !== null && (
        <RollMap machine={machine} rolls={rolls} roll={roll} now={now} onChosen={setChosen} />
      )}
      {rolls !== null && csrf !== null && (
        <BeginRoll
          machine={machine}
          csrf={csrf}
          disabled={now.stale}
          onBegun={() => {
            setChosen(null);
            void load();
          }}
        />
      )}
    </details>
  );
}

interface MapProps extends Pick<Props, 'machine' | 'now'> {
  readonly rolls: readonly RollListed[];
  readonly roll: RollListed;
  readonly onChosen: (number: number) => void;
}

function RollMap({ machine, rolls, roll, now, onChosen }: MapProps) {
  const selectId = `roll-of-${machine.id}`;
  const path = (format: string) => rollMapPath(machine.id, roll.number, format);
  return (
    <>
      <div class="field">
        <label for={selectId}>Roll</label>
        <select
          id={selectId}
          value={String(roll.number)}
          onChange={(event) => onChosen(Number(event.currentTarget.value))}
        >
          {rolls.map(({ number, id, beganMs, endedMs }) => (
            <option key={number} value={String(number)}>
              {id}, since {now.time.at(beganMs, now.ms)}
              {endedMs === null ? ' (on the machine)' : ''}
            </option>
          ))}
        </select>
      </div>
      <a href={path('svg')} target="_blank" rel="noreferrer">
        <img class="roll-map" src={path('svg')} alt={`Faults of roll ${roll.id} along its metres, with its score`} />
      </a>
      <p class="hint">
        <a href={path('png')} target="_blank" rel="noreferrer">
          Picture
        </a>
        {' · '}
        <a href={path('csv')}>Table (CSV)</a>
        {' · '}
        <a href={path('json')} target="_blank" rel="noreferrer">
          Data (JSON)
        </a>
      </p>
    </>
  );
}

interface BeginProps {
  readonly machine: MachineView;
  readonly csrf: string;
  readonly disabled: boolean;
  readonly onBegun: () => void;
}

/** For machines that do not count their rolls: the person who cuts the cloth says so. */
function BeginRoll({ machine, csrf, disabled, onBegun }: BeginProps) {
  const [id, setId] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const send = (event: Event): void => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    void beginRoll(machine.id, id, csrf).then((answer) => {
      setBusy(false);
      setProblem(answer.ok ? null : answer.message);
      if (!answer.ok) return;
      setId('');
      onBegun();
    });
  };
  const inputId = `new-roll-of-${machine.id}`;
  return (
    <form class="ack" onSubmit={send}>
      <div class="field">
        <label for={inputId}>Name of the next roll (may stay empty)</label>
        <input
          id={inputId}
          type="text"
          maxLength={60}
          value={id}
          onInput={(event) => setId(event.currentTarget.value)}
        />
      </div>
      <button type="submit" disabled={busy || disabled}>
        {busy ? 'Sending…' : 'The cloth was cut: a roll begins'}
      </button>
      <div role="alert" class="problem-slot">
        {problem !== null && <p class="problem">{problem}</p>}
      </div>
    </form>
  );
}
