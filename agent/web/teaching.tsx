/** What teaching the eye and teaching the ear have in common on the page: one look at what is known, one button that asks first. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Failure, Result } from './client.ts';
import { Problem } from './problem.tsx';

interface Taught {
  readonly teaching: { readonly state: string } | null;
}

export interface Teaching<T> {
  /** null: not asked for yet. */
  readonly known: T | null;
  readonly isRunning: boolean;
  readonly problem: Failure | null;
  /** Starts or stops, and takes the answer. */
  readonly send: (call: (machine: string, csrf: string) => Promise<Result<T>>) => Promise<void>;
}

/**
 * What a sense knows of a machine, while somebody looks; asked for again and again while it is taught.
 * @param csrf null: this person may not teach
 */
export function useTeaching<T extends Taught>(
  machine: string,
  csrf: string | null,
  {
    isOpen,
    everyMs,
    fetch,
  }: {
    readonly isOpen: boolean;
    readonly everyMs: number;
    readonly fetch: (machine: string) => Promise<Result<T>>;
  },
): Teaching<T> {
  const [known, setKnown] = useState<T | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const take = (answer: Result<T>): void => {
    setProblem(answer.ok ? null : answer);
    if (answer.ok) setKnown(answer.value);
  };
  const load = (): void => void fetch(machine).then(take);
  const isRunning = known?.teaching?.state === 'running';
  useEffect(() => {
    if (!isOpen) return undefined;
    load();
    if (!isRunning) return undefined;
    const timer = window.setInterval(load, everyMs);
    return () => window.clearInterval(timer);
  }, [isOpen, isRunning]);
  const send: Teaching<T>['send'] = async (call) => {
    if (csrf !== null) take(await call(machine, csrf));
  };
  return { known, isRunning, problem, send };
}

interface TeachingProps {
  readonly title: string;
  readonly problem: Failure | null;
  readonly onToggle: (isOpen: boolean) => void;
  readonly children: ComponentChildren;
}

/** What of a sense is folded away until somebody looks. */
export function TeachingBox({ title, problem, onToggle, children }: TeachingProps) {
  return (
    <details class="cloth" onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary>{title}</summary>
      <div class="cloth-body">
        {children}
        <div role="alert" class="problem-slot">
          <Problem of={problem} />
        </div>
      </div>
    </details>
  );
}

interface TeachProps {
  readonly disabled: boolean;
  readonly words: {
    readonly teach: string;
    /** With the machine, for who hears the page. */
    readonly teachAt: string;
    readonly what: string;
    readonly now: string;
    readonly cancel: string;
  };
  readonly onTeach: () => Promise<void>;
  /** What is to be known before. */
  readonly children: ComponentChildren;
}

/** Whatever runs then is taken for good: so it is asked first. */
export function TeachButton({ disabled, words, onTeach, children }: TeachProps) {
  const [step, setStep] = useState<'idle' | 'asking' | 'sending'>('idle');
  if (step === 'idle') {
    return (
      <button type="button" disabled={disabled} aria-label={words.teachAt} onClick={() => setStep('asking')}>
        {words.teach}
      </button>
    );
  }
  return (
    <div class="ack" role="group" aria-label={words.what}>
      <p>{children}</p>
      <button
        type="button"
        class="primary"
        disabled={disabled || step === 'sending'}
        onClick={() => {
          setStep('sending');
          void onTeach().then(() => setStep('idle'));
        }}
      >
        {words.now}
      </button>
      <button type="button" class="quiet" disabled={step === 'sending'} onClick={() => setStep('idle')}>
        {words.cancel}
      </button>
    </div>
  );
}
