/** How a case of a broken needle ends: the first person says how, the second one signs with their own password. */
import { useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import type { Acting } from './needle-case.tsx';
import { closeCase, sayCase, type Statement } from './needle-client.ts';

export function SayForms({ one, csrf, send, disabled }: Acting) {
  const { say } = useLanguage();
  const [pieces, setPieces] = useState<'detected' | 'destroyed' | null>(null);
  const [text, setText] = useState('');
  const tell = (said: Statement) => void send(sayCase(one.id, said, csrf));
  if (one.hinders.includes('no-fragment')) return null;
  if (one.hinders.includes('not-said'))
    return (
      <p class="on-screen">
        <button type="button" class="primary" disabled={disabled} onClick={() => tell({ outcome: 'complete' })}>
          {say('needles.complete')}
        </button>
      </p>
    );
  const isReady = !disabled && pieces !== null && text.trim() !== '';
  return (
    <details class="on-screen">
      <summary>{say('needles.isolated')}</summary>
      <form
        class="needle-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && pieces !== null) tell({ outcome: 'isolated', pieces, text: text.trim() });
        }}
      >
        <p>{say('needles.isolated.hint')}</p>
        <fieldset>
          <legend>{say('needles.isolated.fate')}</legend>
          {(['detected', 'destroyed'] as const).map((fate) => (
            <label key={fate} class="tick">
              <input type="radio" name="fate" checked={pieces === fate} onChange={() => setPieces(fate)} />
              {say(`needles.isolated.${fate}`)}
            </label>
          ))}
        </fieldset>
        <div class="field">
          <label for="needle-done">{say('needles.isolated.text')}</label>
          <input
            id="needle-done"
            type="text"
            maxLength={500}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        <button type="submit" class="primary" disabled={!isReady}>
          {say('needles.isolated.button')}
        </button>
      </form>
    </details>
  );
}

/** On a tablet that others use too: nobody signs out for it, and nothing of the password stays. */
export function SecondForm({ one, csrf, send, disabled }: Acting) {
  const { say } = useLanguage();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const isReady = !disabled && name.trim() !== '' && password !== '';
  return (
    <form
      class="needle-form second on-screen"
      aria-labelledby="needle-second"
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isReady) return;
        void send(closeCase(one.id, name, password, csrf)).then(() => setPassword(''));
      }}
    >
      <h3 id="needle-second">{say('needles.second')}</h3>
      <p>{say('needles.second.hint')}</p>
      <div class="field">
        <label for="needle-name">{say('needles.second.name')}</label>
        <input
          id="needle-name"
          type="text"
          autocapitalize="none"
          autocomplete="off"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for="needle-password">{say('needles.second.password')}</label>
        <input
          id="needle-password"
          type="password"
          autocomplete="off"
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </div>
      <button type="submit" class="primary" disabled={!isReady}>
        {say('needles.second.button')}
      </button>
    </form>
  );
}
