/** What staff say of an alert of the ear: a false alarm, or real and what it was. Nothing where it is no alert of the ear. */
import { useEffect, useState } from 'preact/hooks';
import { alertTitle } from './alert-title.ts';
import { fetchSound, labelSound, unlabelSound, type Failure, type Result, type SoundView } from './client.ts';
import type { Alert } from './floor-state.ts';
import { useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import { labelWord, movedRoundsWord, movedWord, pathWord, suspectedWords, toldWord } from './sound-words.ts';

interface Props {
  readonly alert: Alert;
  readonly name: string;
  /** null: this person may not say so. */
  readonly csrf: string | null;
  readonly disabled: boolean;
}

export function SoundFeedback(props: Props) {
  return props.alert.type === 'sound_odd' ? <Feedback {...props} /> : null;
}

function Feedback({ alert, name, csrf, disabled }: Props) {
  const language = useLanguage();
  const { say } = language;
  const [sound, setSound] = useState<SoundView | null>(null);
  const [busy, setBusy] = useState(false);
  const [cause, setCause] = useState('');
  const [problem, setProblem] = useState<Failure | null>(null);
  const { occurrence, machine } = alert;
  useEffect(() => {
    void fetchSound(machine).then((answer) => answer.ok && setSound(answer.value));
  }, [machine, occurrence]);
  const send = (call: Promise<Result<SoundView>>): void => {
    setBusy(true);
    void call.then((answer) => {
      setBusy(false);
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setSound(answer.value);
    });
  };
  const label = sound?.labels.find((one) => one.occurrence === occurrence);
  const moved =
    sound === null || label === undefined
      ? null
      : (label.path === 'rounds' ? movedRoundsWord : movedWord)(sound, language);
  const before = toldWord(alert.evidence, language);
  const path = pathWord(alert.evidence, language);
  const [guess, ...suspected] = suspectedWords(alert.evidence, language);
  const about = `${name}, ${alertTitle(alert, language)}`;
  const causeId = `cause-${occurrence}`;
  const tell = (said: 'false-alarm' | 'real', token: string) => send(labelSound(occurrence, said, cause, token));
  // Who only looks has nothing to say, and nothing was said.
  if (csrf === null && label === undefined && before === null && guess === undefined && path === null) return null;
  return (
    <div class="ack" role="group" aria-label={say('sound.what-it-was', { about })}>
      {path !== null && <p class="told">{path}</p>}
      {guess !== undefined && (
        <>
          <p class="told">{guess}</p>
          <ul class="told">
            {suspected.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </>
      )}
      {before !== null && <p class="hint">{before}</p>}
      <div role="status">
        {label !== undefined && (
          <p class="told">
            {labelWord(label, language)} {moved}
          </p>
        )}
      </div>
      {csrf !== null && label === undefined && (
        <>
          <div class="field">
            <label for={causeId}>{say('sound.cause')}</label>
            <input
              id={causeId}
              type="text"
              maxLength={200}
              value={cause}
              onInput={(event) => setCause(event.currentTarget.value)}
            />
          </div>
          <button
            type="button"
            disabled={busy || disabled}
            aria-label={say('sound.about', { what: say('sound.real'), about })}
            onClick={() => tell('real', csrf)}
          >
            {say('sound.real')}
          </button>
          <button
            type="button"
            disabled={busy || disabled}
            aria-label={say('sound.about', { what: say('sound.false'), about })}
            onClick={() => tell('false-alarm', csrf)}
          >
            {say('sound.false')}
          </button>
        </>
      )}
      {csrf !== null && label !== undefined && (
        <button
          type="button"
          class="quiet"
          disabled={busy || disabled}
          aria-label={say('sound.about', { what: say('sound.take-back'), about })}
          onClick={() => send(unlabelSound(occurrence, csrf))}
        >
          {say('sound.take-back')}
        </button>
      )}
      <div role="alert" class="problem-slot">
        <Problem of={problem} />
      </div>
    </div>
  );
}
