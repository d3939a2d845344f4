/** What staff say of an alert of the ear: a false alarm, or real and what it was. Nothing where it is no alert of the ear. */
import { useEffect, useState } from 'preact/hooks';
import { fetchSound, labelSound, unlabelSound, type Result, type SoundView } from './client.ts';
import type { Alert } from './floor-state.ts';
import { labelWord, movedWord, suspectedWords, toldWord } from './sound-words.ts';

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
  const [sound, setSound] = useState<SoundView | null>(null);
  const [busy, setBusy] = useState(false);
  const [cause, setCause] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const { occurrence, machine, text } = alert;
  useEffect(() => {
    void fetchSound(machine).then((answer) => answer.ok && setSound(answer.value));
  }, [machine, occurrence]);
  const send = (call: Promise<Result<SoundView>>): void => {
    setBusy(true);
    void call.then((answer) => {
      setBusy(false);
      setProblem(answer.ok ? null : answer.message);
      if (answer.ok) setSound(answer.value);
    });
  };
  const label = sound?.labels.find((one) => one.occurrence === occurrence);
  const moved = sound === null || label === undefined ? null : movedWord(sound);
  const before = toldWord(alert.evidence);
  const [guess, ...suspected] = suspectedWords(alert.evidence);
  const about = `${name}, ${text}`;
  const causeId = `cause-${occurrence}`;
  const say = (said: 'false-alarm' | 'real', token: string) => send(labelSound(occurrence, said, cause, token));
  // Who only looks has nothing to say, and nothing was said.
  if (csrf === null && label === undefined && before === null && guess === undefined) return null;
  return (
    <div class="ack" role="group" aria-label={`What it was: ${about}`}>
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
            {labelWord(label)} {moved}
          </p>
        )}
      </div>
      {csrf !== null && label === undefined && (
        <>
          <div class="field">
            <label for={causeId}>What it was, if you know</label>
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
            aria-label={`Real fault: ${about}`}
            onClick={() => say('real', csrf)}
          >
            Real fault
          </button>
          <button
            type="button"
            disabled={busy || disabled}
            aria-label={`False alarm: ${about}`}
            onClick={() => say('false-alarm', csrf)}
          >
            False alarm
          </button>
        </>
      )}
      {csrf !== null && label !== undefined && (
        <button
          type="button"
          class="quiet"
          disabled={busy || disabled}
          aria-label={`Take back: ${about}`}
          onClick={() => send(unlabelSound(occurrence, csrf))}
        >
          Take back
        </button>
      )}
      <div role="alert" class="problem-slot">
        {problem !== null && <p class="problem">{problem}</p>}
      </div>
    </div>
  );
}
