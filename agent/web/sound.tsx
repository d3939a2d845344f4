/** The ear of a machine: what it knows, and teaching it while the machine runs well. */
import { useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { fetchSound, stopTeachingSound, teachSound, type SoundView } from './client.ts';
import { useLanguage } from './language.ts';
import {
  knownSoundWord,
  movedRoundsWord,
  movedWord,
  otherVersionsWord,
  roundsWord,
  soundOutcomeWord,
  soundProgress,
} from './sound-words.ts';
import { TeachButton, TeachingBox, useTeaching } from './teaching.tsx';
import type { Now } from './times.ts';
import { reasonWord } from './words.ts';

/** While it runs. */
const askEveryMs = 2_000;

interface Props {
  readonly machine: MachineView;
  readonly now: Now;
  /** null: this person may not teach. */
  readonly csrf: string | null;
}

export function Sound({ machine, now, csrf }: Props) {
  const { say } = useLanguage();
  const [isOpen, setOpen] = useState(false);
  const how = { isOpen, everyMs: askEveryMs, fetch: fetchSound };
  const { known: sound, isRunning, problem, send } = useTeaching(machine.id, csrf, how);
  return (
    <TeachingBox title={say('sound.title')} problem={problem} onToggle={setOpen}>
      {sound !== null && <Known sound={sound} now={now} />}
      <div role="status">{sound !== null && isRunning && <Progress sound={sound} />}</div>
      {sound !== null && csrf !== null && !isRunning && (
        <TeachButton
          disabled={now.stale}
          words={{
            teach: say('sound.teach'),
            teachAt: say('sound.teach-at', { machine: machine.name }),
            what: say('sound.teach-of', { machine: machine.name }),
            now: say('sound.teach-now'),
            cancel: say('sound.cancel'),
          }}
          onTeach={() => send(teachSound)}
        >
          <strong>{say('sound.must-be-well')}</strong> {say('sound.takes-for-good')}
        </TeachButton>
      )}
      {csrf !== null && isRunning && (
        <button
          type="button"
          disabled={now.stale}
          aria-label={say('sound.stop-at', { machine: machine.name })}
          onClick={() => void send(stopTeachingSound)}
        >
          {say('sound.stop')}
        </button>
      )}
    </TeachingBox>
  );
}

function Known({ sound, now }: { sound: SoundView; now: Now }) {
  const language = useLanguage();
  const { say } = language;
  const at = (ms: number) => now.time.at(ms, now.ms);
  const { microphone, teaching } = sound;
  const outcome = teaching === null ? null : soundOutcomeWord(teaching, language);
  const lines = [
    knownSoundWord(sound, at, language),
    otherVersionsWord(sound, at, language),
    roundsWord(sound, language),
    movedWord(sound, language),
    movedRoundsWord(sound, language),
    outcome,
  ];
  return (
    <>
      {microphone !== 'ok' && microphone !== 'starting' && (
        <p class="problem">
          {microphone === null
            ? say('sound.no-ear')
            : say('sound.microphone', { reason: reasonWord(microphone, language) })}
        </p>
      )}
      {lines.map((line) => line !== null && <p key={line}>{line}</p>)}
    </>
  );
}

function Progress({ sound }: { sound: SoundView }) {
  const language = useLanguage();
  const lines = sound.teaching === null ? [] : soundProgress(sound.teaching, language);
  if (lines.length === 0) return <p class="told">{language.say('sound.waiting')}</p>;
  return (
    <ul class="told">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
