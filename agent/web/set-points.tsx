/** What a maintainer may write to a machine: propose, then confirm within a minute with the value said again and the password. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import {
  confirmWrite,
  dropWrite,
  fetchSetPoints,
  proposeWrite,
  type SetPointValue,
  type SetPointView,
  type WriteView,
} from './client.ts';
import type { Now } from './times.ts';
import { unitSign, writeWord } from './words.ts';

interface Props {
  readonly machine: MachineView;
  readonly csrf: string;
  readonly now: Now;
}

const valueWord = (value: SetPointValue | null, unit: string): string => {
  if (value === null) return 'an unknown value';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  const sign = unitSign(unit);
  return sign === '' ? String(value) : `${value} ${sign}`;
};

/** null: not a value yet. */
function valueOf(text: string, point: SetPointView): SetPointValue | null {
  if (point.kind === 'switch') return text === 'on' ? true : text === 'off' ? false : null;
  const number = Number(text.replace(',', '.'));
  return text.trim() === '' || !Number.isFinite(number) ? null : number;
}

export function SetPoints({ machine, csrf, now }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [points, setPoints] = useState<readonly SetPointView[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = (): void => {
    void fetchSetPoints(machine.id).then((answer) => {
      setPoints(answer.ok ? answer.value.items : null);
      setProblem(answer.ok ? null : answer.message);
    });
  };
  useEffect(() => {
    if (isOpen) load();
  }, [isOpen]);
  return (
    <details class="set-points" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Set-points</summary>
      {points === null && problem === null && <p class="hint">Asking the machine…</p>}
      <ul>
        {(points ?? []).map((point) => (
          <li key={point.name} data-set-point={point.name}>
            <SetPointRow machine={machine} point={point} csrf={csrf} now={now} onDone={load} />
          </li>
        ))}
      </ul>
      <div role="alert">{problem !== null && <p class="problem">{problem}</p>}</div>
    </details>
  );
}

interface RowProps extends Props {
  readonly point: SetPointView;
  readonly onDone: () => void;
}

function SetPointRow({ machine, point, csrf, now, onDone }: RowProps) {
  const [step, setStep] = useState<'idle' | 'proposing' | WriteView>('idle');
  const [problem, setProblem] = useState<string | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const [low, high] = point.range;
  const finish = (text: string | null): void => {
    setStep('idle');
    setTold(text);
    setProblem(null);
    onDone();
  };
  return (
    <>
      <p class="set-point">
        <strong>{point.title}</strong>
        <span class="value">{point.current === null ? 'cannot be read' : valueWord(point.current, point.unit)}</span>
        {point.kind === 'number' && (
          <span class="hint">
            {low} to {valueWord(high, point.unit)}
          </span>
        )}
        {step === 'idle' && (
          <button
            type="button"
            class="quiet"
            disabled={point.current === null || now.stale}
            aria-label={`Change: ${machine.name}, ${point.title}`}
            onClick={() => {
              setStep('proposing');
              setTold(null);
            }}
          >
            Change
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
            setProblem(answer.ok ? null : answer.message);
            if (answer.ok) setStep(answer.value);
          }}
        />
      )}
      {typeof step === 'object' && (
        <ConfirmForm
          point={point}
          write={step}
          now={now}
          onCancel={() => void dropWrite(step.id, csrf).then(() => finish('Taken back. Nothing was sent.'))}
          onSend={async (value, password) => {
            const answer = await confirmWrite(step.id, value, password, csrf);
            if (answer.ok) finish(writeWord(answer.value, valueWord(answer.value.readBack, point.unit)));
            else setProblem(answer.message);
          }}
        />
      )}
      <div role="status">{told !== null && <p class="told">{told}</p>}</div>
      <div role="alert">{problem !== null && <p class="problem">{problem}</p>}</div>
    </>
  );
}

function ValueField(props: { id: string; label: string; point: SetPointView; onValue: (text: string) => void }) {
  const { id, label, point, onValue } = props;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {point.kind === 'switch' ? (
        <select id={id} onChange={(event) => onValue(event.currentTarget.value)}>
          <option value="" />
          <option value="on">on</option>
          <option value="off">off</option>
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
      <ValueField id={`${id}-value`} label="New value" point={point} onValue={setText} />
      <div class="field">
        <label for={`${id}-reason`}>Why</label>
        <input
          id={`${id}-reason`}
          type="text"
          maxLength={500}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </div>
      <button type="submit" class="primary" disabled={busy || value === null || reason.trim() === ''}>
        Propose
      </button>
      <button type="button" class="quiet" onClick={onCancel}>
        Cancel
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
          {point.title}: {valueWord(write.from, write.unit)} → {valueWord(write.to, write.unit)}
        </strong>{' '}
        {leftS > 0 ? `Confirm within ${leftS} s.` : 'The minute is over. Propose it anew.'}
      </p>
      <ValueField id={`${write.id}-value`} label="The new value again" point={point} onValue={setText} />
      <div class="field">
        <label for={`${write.id}-password`}>Your password</label>
        <input
          id={`${write.id}-password`}
          type="password"
          autocomplete="current-password"
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </div>
      <button type="submit" class="primary" disabled={!isReady}>
        {busy ? 'Writing…' : 'Write to the machine'}
      </button>
      <button type="button" class="quiet" disabled={busy} onClick={onCancel}>
        Take back
      </button>
    </form>
  );
}
