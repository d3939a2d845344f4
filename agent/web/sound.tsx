/** The ear of a machine: what it knows, and teaching it while the machine runs well. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { fetchSound, stopTeachingSound, teachSound, type Result, type SoundView } from './client.ts';
import { knownSoundWord, movedWord, otherVersionsWord, soundOutcomeWord, soundProgress } from './sound-words.ts';
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
  const [isOpen, setOpen] = useState(false);
  const [sound, setSound] = useState<SoundView | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const take = (answer: Result<SoundView>): void => {
    setProblem(answer.ok ? null : answer.message);
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
      <summary>Sound</summary>
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
            aria-label={`Stop teaching the sound: ${machine.name}`}
            onClick={() => void send(stopTeachingSound)}
          >
            Stop
          </button>
        )}
        <div role="alert" class="problem-slot">
          {problem !== null && <p class="problem">{problem}</p>}
        </div>
      </div>
    </details>
  );
}

function Known({ sound, now }: { sound: SoundView; now: Now }) {
  const at = (ms: number) => now.time.at(ms, now.ms);
  const { microphone, teaching } = sound;
  const outcome = teaching === null ? null : soundOutcomeWord(teaching);
  const lines = [knownSoundWord(sound, at), otherVersionsWord(sound, at), movedWord(sound), outcome];
  return (
    <>
      {microphone !== 'ok' && microphone !== 'starting' && (
        <p class="problem">{microphone === null ? 'The ear does not run.' : `Microphone: ${reasonWord(microphone)}`}</p>
      )}
      {lines.map((line) => line !== null && <p key={line}>{line}</p>)}
    </>
  );
}

function Progress({ sound }: { sound: SoundView }) {
  const lines = sound.teaching === null ? [] : soundProgress(sound.teaching);
  if (lines.length === 0) return <p class="told">Waiting for the machine to run at one speed…</p>;
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
  const [step, setStep] = useState<'idle' | 'asking' | 'sending'>('idle');
  if (step === 'idle') {
    return (
      <button
        type="button"
        disabled={disabled}
        aria-label={`Teach this sound: ${machine.name}`}
        onClick={() => setStep('asking')}
      >
        Teach this sound
      </button>
    );
  }
  return (
    <div class="ack" role="group" aria-label={`Teach the sound of ${machine.name}`}>
      <p>
        <strong>The machine must be well now, and work as usual.</strong> The ear takes what it hears while the machine
        runs for its normal sound. Each speed needs about three minutes of running.
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
        The machine is well: teach it
      </button>
      <button type="button" class="quiet" disabled={step === 'sending'} onClick={() => setStep('idle')}>
        Cancel
      </button>
    </div>
  );
}
