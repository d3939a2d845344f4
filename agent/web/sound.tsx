/** The ear of a machine: what it knows, and teaching it while the machine runs well. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { fetchSound, stopTeachingSound, teachSound, type Failure, type Result, type SoundView } from './client.ts';
import { useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import {
  knownSoundWord,
  movedRoundsWord,
  movedWord,
  otherVersionsWord,
  roundsWord,
  soundOutcomeWord,
  soundProgress,
} from './sound-words.ts';
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
  const [sound, setSound] = useState<SoundView | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const take = (answer: Result<SoundView>): void => {
    setProblem(answer.ok ? null : answer);
    if (answer.ok) setSound(answer.value);
  };
  const load = (): void => void fetchSound(machine.id).then(take);
  const isRunning = sound?.teaching?.state === 'running';
  useEffect(() => {
    if (!isOpen) return;
    load();
    if (!isRunning) return;
    const timer = window.setInterval(load, askEveryMs);
    return () => window.clearInterval(timer);
  }, [isOpen, isRunning]);
  const send = async (call: typeof teachSound): Promise<void> => {
    if (csrf !== null) take(await call(machine.id, csrf));
  };
  return (
    <details class="cloth" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say('sound.title')}</summary>
      <div class="cloth-body">
        {sound !== null && <Known sound={sound} now={now} />}
        <div role="status">{isRunning && <Progress sound={sound} />}</div>
        {sound !== null && csrf !== null && !isRunning && (
          <Teach machine={machine} disabled={now.stale} onTeach={() => send(teachSound)} />
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
        <div role="alert" class="problem-slot">
          <Problem of={problem} />
        </div>
      </div>
    </details>
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

interface TeachProps {
  readonly machine: MachineView;
  readonly disabled: boolean;
  readonly onTeach: () => Promise<void>;
}

/** Whatever is heard is taken for good: so it is asked first. */
function Teach({ machine, disabled, onTeach }: TeachProps) {
  const { say } = useLanguage();
  const [step, setStep] = useState<'idle' | 'asking' | 'sending'>('idle');
  if (step === 'idle') {
    return (
      <button
        type="button"
        disabled={disabled}
        aria-label={say('sound.teach-at', { machine: machine.name })}
        onClick={() => setStep('asking')}
      >
        {say('sound.teach')}
      </button>
    );
  }
  return (
    <div class="ack" role="group" aria-label={say('sound.teach-of', { machine: machine.name })}>
      <p>
        <strong>{say('sound.must-be-well')}</strong> {say('sound.takes-for-good')}
      </p>
      <button
        type="button"
        class="primary"
        disabled={disabled || step === 'sending'}
        onClick={() => {
          setStep('sending');
          void onTeach().then(() => setStep('idle'));
        }}
      >
        {say('sound.teach-now')}
      </button>
      <button type="button" class="quiet" disabled={step === 'sending'} onClick={() => setStep('idle')}>
        {say('sound.cancel')}
      </button>
    </div>
  );
}
