/** Takes a piece that was listed by mistake out of a case of a broken needle; it stays in the record, struck out, with the reason. */
import { useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import type { Acting } from './needle-case.tsx';
import { withdrawFragment } from './needle-client.ts';

interface Props extends Acting {
  readonly number: number;
  /** As the language of the page calls the piece. */
  readonly name: string;
  /** The form goes with what it was for: where the focus goes. */
  readonly onDone: () => void;
}

export function WithdrawForm({ one, csrf, send, disabled, number, name, onDone }: Props) {
  const { say } = useLanguage();
  const [reason, setReason] = useState('');
  const isReady = !disabled && reason.trim() !== '';
  return (
    <details class="on-screen">
      <summary aria-label={say('needles.withdraw-label', { name })}>{say('needles.withdraw')}</summary>
      <form
        class="needle-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isReady) return;
          void send(withdrawFragment(one.id, number, reason, csrf)).then((isDone) => isDone && onDone());
        }}
      >
        <p class="hint">{say('needles.withdraw.hint')}</p>
        <div class="field">
          <label for={`why-${number}`}>{say('needles.withdraw.reason')}</label>
          <input
            id={`why-${number}`}
            type="text"
            maxLength={200}
            aria-label={say('needles.withdraw.reason-label', { name })}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </div>
        <button type="submit" disabled={!isReady} aria-label={say('needles.withdraw.button-label', { name })}>
          {say('needles.withdraw.button')}
        </button>
      </form>
    </details>
  );
}
