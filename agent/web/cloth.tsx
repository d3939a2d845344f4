/** The cloth the eye of a machine is to know: what it knows of it, and teaching it while good cloth runs. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { fetchCloth, stopTeaching, teachCloth, type ClothView, type Failure, type Result } from './client.ts';
import { cureWord, knownWord, outcomeWord, progressWord } from './cloth-words.ts';
import { useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import type { Now } from './times.ts';

/** While it runs. */
const askEveryMs = 1_000;

interface Props {
  readonly machine: MachineView;
  readonly now: Now;
  /** null: this person may not teach. */
  readonly csrf: string | null;
}

export function Cloth({ machine, now, csrf }: Props) {
  const language = useLanguage();
  const { say } = language;
  const [isOpen, setOpen] = useState(false);
  const [cloth, setCloth] = useState<ClothView | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const take = (answer: Result<ClothView>): void => {
    setProblem(answer.ok ? null : answer);
    if (answer.ok) setCloth(answer.value);
  };
  const load = (): void => void fetchCloth(machine.id).then(take);
  const isRunning = cloth?.teaching?.state === 'running';
  useEffect(() => {
    if (!isOpen) return;
    load();
    if (!isRunning) return;
    const timer = window.setInterval(load, askEveryMs);
    return () => window.clearInterval(timer);
  }, [isOpen, isRunning]);
  const send = async (call: typeof teachCloth): Promise<void> => {
    if (csrf !== null) take(await call(machine.id, csrf));
  };
  return (
    <details class="cloth" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say('cloth.title')}</summary>
      <div class="cloth-body">
        {cloth !== null && <p>{knownWord(cloth, (ms) => now.time.at(ms, now.ms), language)}</p>}
        <div role="status">{isRunning && <p class="told">{progressWord(cloth.teaching, language)}</p>}</div>
        {cloth?.teaching?.report && <Outcome report={cloth.teaching.report} />}
        {cloth !== null && csrf !== null && !isRunning && (
          <Teach machine={machine} fabric={cloth.fabric} disabled={now.stale} onTeach={() => send(teachCloth)} />
        )}
        {csrf !== null && isRunning && (
          <button
            type="button"
            disabled={now.stale}
            aria-label={say('cloth.stop-at', { machine: machine.name })}
            onClick={() => void send(stopTeaching)}
          >
            {say('cloth.stop')}
          </button>
        )}
        <div role="alert" class="problem-slot">
          <Problem of={problem} />
        </div>
      </div>
    </details>
  );
}

function Outcome({ report }: { report: NonNullable<NonNullable<ClothView['teaching']>['report']> }) {
  const language = useLanguage();
  return (
    <div class="outcome">
      <p class={report.ok ? 'told' : 'problem'}>{outcomeWord(report, language)}</p>
      {!report.ok && (
        <p>
          {cureWord(report, language)} <span class="hint">({report.message})</span>
        </p>
      )}
      {report.advice.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {report.refused.length > 0 && (
        <>
          <p>{language.say('cloth.not-learned-from')}</p>
          <ul>
            {report.refused.map(({ image, reason }) => (
              <li key={image}>
                {image}: {reason}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

interface TeachProps {
  readonly machine: MachineView;
  readonly fabric: string;
  readonly disabled: boolean;
  readonly onTeach: () => Promise<void>;
}

/** Whatever runs is taken for good: so it is asked first. */
function Teach({ machine, fabric, disabled, onTeach }: TeachProps) {
  const { say } = useLanguage();
  const [step, setStep] = useState<'idle' | 'asking' | 'sending'>('idle');
  if (step === 'idle') {
    return (
      <button
        type="button"
        disabled={disabled}
        aria-label={say('cloth.teach-at', { machine: machine.name })}
        onClick={() => setStep('asking')}
      >
        {say('cloth.teach')}
      </button>
    );
  }
  return (
    <div class="ack" role="group" aria-label={say('cloth.teach-fabric', { fabric })}>
      <p>
        <strong>{say('cloth.only-good')}</strong> {say('cloth.takes-for-good', { fabric })}
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
        {say('cloth.teach-now')}
      </button>
      <button type="button" class="quiet" disabled={step === 'sending'} onClick={() => setStep('idle')}>
        {say('cloth.cancel')}
      </button>
    </div>
  );
}
