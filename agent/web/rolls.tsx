/** The rolls of a machine whose cloth a camera looks at, and the map of one of them. */
import { useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { beginRoll, fetchRolls, rollMapPath, type Failure, type RollListed } from './client.ts';
import { useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import type { Now } from './times.ts';

interface Props {
  readonly machine: MachineView;
  readonly now: Now;
  /** null: this person may not say that a roll begins. */
  readonly csrf: string | null;
}

const rollsId = (machine: string): string => `rolls-${machine}`;

/** Opens the rolls of a machine and goes there; false where this page does not show them now, as of a machine far off the screen. */
export function openRolls(machine: string): boolean {
  const details = document.getElementById(rollsId(machine));
  if (!(details instanceof HTMLDetailsElement)) return false;
  details.open = true;
  details.scrollIntoView();
  details.querySelector('summary')?.focus();
  return true;
}

export function Rolls({ machine, now, csrf }: Props) {
  const { say } = useLanguage();
  const [rolls, setRolls] = useState<readonly RollListed[] | null>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const load = async (): Promise<void> => {
    const answer = await fetchRolls(machine.id);
    setProblem(answer.ok ? null : answer);
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
      <summary>{say('rolls.title')}</summary>
      <Problem of={problem} />
      {rolls !== null && rolls.length === 0 && <p class="empty">{say('rolls.none')}</p>}
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
  const { say } = useLanguage();
  const selectId = `roll-of-${machine.id}`;
  const path = (format: string) => rollMapPath(machine.id, roll.number, format);
  return (
    <>
      <div class="field">
        <label for={selectId}>{say('rolls.roll')}</label>
        <select
          id={selectId}
          value={String(roll.number)}
          onChange={(event) => onChosen(Number(event.currentTarget.value))}
        >
          {rolls.map(({ number, id, beganMs, endedMs }) => (
            <option key={number} value={String(number)}>
              {say(endedMs === null ? 'rolls.since-on-machine' : 'rolls.since', {
                id,
                time: now.time.at(beganMs, now.ms),
              })}
            </option>
          ))}
        </select>
      </div>
      <a href={path('svg')} target="_blank" rel="noreferrer">
        <img class="roll-map" src={path('svg')} alt={say('rolls.map', { id: roll.id })} />
      </a>
      <p class="hint">
        <a href={path('png')} target="_blank" rel="noreferrer">
          {say('rolls.picture')}
        </a>
        {' · '}
        <a href={path('csv')}>{say('rolls.table')}</a>
        {' · '}
        <a href={path('json')} target="_blank" rel="noreferrer">
          {say('rolls.data')}
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
  const { say } = useLanguage();
  const [id, setId] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Failure | null>(null);
  const send = (event: Event): void => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    void beginRoll(machine.id, id, csrf).then((answer) => {
      setBusy(false);
      setProblem(answer.ok ? null : answer);
      if (!answer.ok) return;
      setId('');
      onBegun();
    });
  };
  const inputId = `new-roll-of-${machine.id}`;
  return (
    <form class="ack" onSubmit={send}>
      <div class="field">
        <label for={inputId}>{say('rolls.next-name')}</label>
        <input
          id={inputId}
          type="text"
          maxLength={60}
          value={id}
          onInput={(event) => setId(event.currentTarget.value)}
        />
      </div>
      <button type="submit" disabled={busy || disabled}>
        {busy ? say('alerts.sending') : say('rolls.begin')}
      </button>
      <div role="alert" class="problem-slot">
        <Problem of={problem} />
      </div>
    </form>
  );
}
