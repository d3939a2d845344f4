/** What the forms about people are made of. */
import { useState } from 'preact/hooks';
import { useSending } from './form.tsx';
import { useLanguage } from './language.ts';
import { problemText, type Refused } from './people-client.ts';

export { Input } from './form.tsx';

/** Sends once at a time; keeps what was refused, and says it in the language of the page. */
export function useDeed() {
  const { say } = useLanguage();
  const { problem, ...rest } = useSending<Refused>();
  return { ...rest, problem: problem === null ? null : problemText(say, problem) };
}

export function Problem({ text }: { readonly text: string | null }) {
  return (
    <div role="alert" class="problem-slot">
      {text !== null && <p class="problem">{text}</p>}
    </div>
  );
}

/** A button that asks once more before it does what cannot be taken back. */
export function SureButton(props: {
  readonly label: string;
  readonly of: string;
  readonly disabled: boolean;
  readonly onSure: () => void;
}) {
  const { say } = useLanguage();
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <button type="button" disabled={props.disabled} onClick={() => setAsked(true)}>
        {props.label} <span class="unseen">{props.of}</span>
      </button>
    );
  }
  return (
    <span class="people-sure">
      <button
        type="button"
        class="primary"
        disabled={props.disabled}
        onClick={() => {
          setAsked(false);
          props.onSure();
        }}
      >
        {say('people.sure', { what: props.label })} <span class="unseen">{props.of}</span>
      </button>
      <button type="button" class="quiet" onClick={() => setAsked(false)}>
        {say('people.cancel')}
      </button>
    </span>
  );
}
