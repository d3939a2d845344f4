/** What a maintainer may write to a machine: propose, then confirm within a minute with the value said again and the password. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import {
  confirmWrite,
  dropWrite,
  fetchSetPoints,
  proposeWrite,
  type Failure,
  type SetPointValue,
  type SetPointView,
  type WriteView,
} from './client.ts';
import { useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import { valueOf, valueWord } from './set-point-words.ts';
import type { Now } from './times.ts';
import { writeWord } from './words.ts';

interface Props {
  readonly machine: MachineView;
  readonly csrf: string;
  readonly now: Now;
}

export function SetPoints({ machine, csrf, now }: Props) {
  const { say } = useLanguage();
  const [isOpen, setOpen] = useState(false);
  const [points, setPoints] = useState<readonly SetPointView[] | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const load = (): void => {
    void fetchSetPoints(machine.id).then((answer) => {
      setPoints(answer.ok ? answer.value.items : null);
      setProblem(answer.ok ? null : answer);
    });
  };
  useEffect(() => {
    if (isOpen) load();
  }, [isOpen]);
  return (
    <details class="set-points" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say('set-points.title')}</summary>
      {points === null && problem === null && <p class="hint">{say('set-points.asking')}</p>}
      <ul>
        {(points ?? []).map((point) => (
          <li key={point.name} data-set-point={point.name}>
            <SetPointRow machine={machine} point={point} csrf={csrf} now={now} onDone={load} />
          </li>
        ))}
      </ul>
      <div role="alert">
        <Problem of={problem} />
      </div>
    </details>
  );
}

interface RowProps extends Props {
  readonly point: SetPointView;
  readonly onDone: () => void;
}

function SetPointRow({ machine, point, csrf, now, onDone }: RowProps) {
  const language = useLanguage();
  const { say, plain } = language;
  const [step, setStep] = useState<'idle' | 'proposing' | WriteView>('idle');
  const [problem, setProblem] = useState<Failure | null>(null);
  const [told, setTold] = useState<'taken-back' | WriteView | null>(null);
  const [low, high] = point.range;
  const toldWord = (end: NonNullable<typeof told>): string =>
    end === 'taken-back'
      ? say('set-points.taken-back')
      : writeWord(end, valueWord(end.readBack, point.unit, language), language);
  const finish = (end: typeof told): void => {
    setStep('idle');
    setTold(end);
    setProblem(null);
    onDone();
  };
  return (
    <>
      <p class="set-point">
        <strong>{point.title}</strong>
        <span class="value">
          {point.current === null ? say('set-points.unreadable') : valueWord(point.current, point.unit, language)}
        </span>
        {point.kind === 'number' && (
          <span class="hint">
            {say('set-points.range', { low: plain(low), high: valueWord(high, point.unit, language) })}
          </span>
        )}
        {step === 'idle' && (
          <button
            type="button"
            class="quiet"
            disabled={point.current === null || now.stale}
            aria-label={say('set-points.change-at', { machine: machine.name, title: point.title })}
            onClick={() => {
              setStep('proposing');
              setTold(null);
            }}
          >
            {say('set-points.change')}
          </button>
        )}
      </p>
      {step === 'proposing' && (
        <ProposeForm
          machine={machine}
          point={point}
          onCancel={() => finish(null)}
          onSend={async (value, reason) => {
            const answer = await proposeWrite(machine.id, { setPoint: point.name, value, reason }, csrf);
            setProblem(answer.ok ? null : answer);
            if (answer.ok) setStep(answer.value);
          }}
        />
      )}
      {typeof step === 'object' && (
        <ConfirmForm
          point={point}
          write={step}
          now={now}
          onCancel={() => void dropWrite(step.id, csrf).then(() => finish('taken-back'))}
          onSend={async (value, password) => {
            const answer = await confirmWrite(step.id, value, password, csrf);
            if (answer.ok) finish(answer.value);
            else setProblem(answer);
          }}
        />
      )}
      <div role="status">{told !== null && <p class="told">{toldWord(told)}</p>}</div>
      <div role="alert">
        <Problem of={problem} />
      </div>
    </>
  );
}

function ValueField(props: { id: string; label: string; point: SetPointView; onValue: (text: string) => void }) {
  const { say } = useLanguage();
  const { id, label, point, onValue } = props;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {point.kind === 'switch' ? (
        <select id={id} onChange={(event) => onValue(event.currentTarget.value)}>
          <option value="" />
          <option value="on">{say('set-points.on')}</option>
          <option value="off">{say('set-points.off')}</option>
        </select>
      ) : (
        <input
          id={id}
          type="text"
          inputMode="decimal"
          autocomplete="off"
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </div>
  );
}

interface ProposeProps {
  readonly machine: MachineView;
  readonly point: SetPointView;
  readonly onCancel: () => void;
  readonly onSend: (value: SetPointValue, reason: string) => Promise<void>;
}

function ProposeForm({ machine, point, onCancel, onSend }: ProposeProps) {
  const language = useLanguage();
  const { say } = language;
  const [text, setText] = useState('');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const value = valueOf(text, point);
  const id = `${machine.id}-${point.name}`;
  return (
    <form
      class="write"
      onSubmit={(event) => {
        event.preventDefault();
        if (busy || value === null || reason.trim() === '') return;
        setBusy(true);
        void onSend(value, reason.trim()).then(() => setBusy(false));
      }}
    >
      <ValueField id={`${id}-value`} label={say('set-points.new-value')} point={point} onValue={setText} />
      <div class="field">
        <label for={`${id}-reason`}>{say('set-points.why')}</label>
        <input
          id={`${id}-reason`}
          type="text"
          maxLength={500}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </div>
      <button type="submit" class="primary" disabled={busy || value === null || reason.trim() === ''}>
        {say('set-points.propose')}
      </button>
      <button type="button" class="quiet" onClick={onCancel}>
        {say('set-points.cancel')}
      </button>
    </form>
  );
}

interface ConfirmProps {
  readonly point: SetPointView;
  readonly write: WriteView;
  readonly now: Now;
  readonly onCancel: () => void;
  readonly onSend: (value: SetPointValue, password: string) => Promise<void>;
}

function ConfirmForm({ point, write, now, onCancel, onSend }: ConfirmProps) {
  const language = useLanguage();
  const { say } = language;
  const [text, setText] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const value = valueOf(text, point);
  const leftS = Math.max(0, Math.ceil(((write.expiresAtMs ?? 0) - now.ms) / 1000));
  const isReady = !busy && leftS > 0 && value !== null && password !== '' && !now.stale;
  return (
    <form
      class="write"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isReady || value === null) return;
        setBusy(true);
        void onSend(value, password).then(() => setBusy(false));
      }}
    >
      <p>
        <strong>
          {say('set-points.from-to', {
            title: point.title,
            from: valueWord(write.from, write.unit, language),
            to: valueWord(write.to, write.unit, language),
          })}
        </strong>{' '}
        {leftS > 0 ? say('set-points.within', { seconds: leftS }) : say('set-points.too-late')}
      </p>
      <ValueField id={`${write.id}-value`} label={say('set-points.value-again')} point={point} onValue={setText} />
      <div class="field">
        <label for={`${write.id}-password`}>{say('set-points.your-password')}</label>
        <input
          id={`${write.id}-password`}
          type="password"
          autocomplete="current-password"
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </div>
      <button type="submit" class="primary" disabled={!isReady}>
        {busy ? say('set-points.writing') : say('set-points.write')}
      </button>
      <button type="button" class="quiet" disabled={busy} onClick={onCancel}>
        {say('set-points.take-back')}
      </button>
    </form>
  );
}
