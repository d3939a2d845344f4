/** Shared tablets, for an admin. */
import { useEffect, useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import { enrolTablet, fetchTablets, problemText, revokeTablet, type TabletView } from './people-client.ts';
import { Input, Problem, SureButton, useDeed } from './people-parts.tsx';
import type { Now } from './times.ts';

export function Tablets({ csrf, now }: { readonly csrf: string; readonly now: Now }) {
  const { say } = useLanguage();
  const [items, setItems] = useState<readonly TabletView[] | null>(null);
  const [unread, setUnread] = useState<string | null>(null);
  const [name, setName] = useState('');
  const { problem, busy, run } = useDeed();
  const load = (): void => {
    void fetchTablets().then((answer) => {
      if (answer.ok) setItems(answer.value.items);
      setUnread(answer.ok ? null : problemText(say, answer));
    });
  };
  useEffect(load, []);
  const isHere = items?.some(({ isThis }) => isThis) === true;
  return (
    <section aria-labelledby="tablets-title" class="people-part">
      <h2 id="tablets-title">{say('people.tablets')}</h2>
      <p>{say('people.tablets.text')}</p>
      <Problem text={unread ?? problem} />
      {items?.length === 0 && <p class="empty">{say('people.tablets.none')}</p>}
      <ul class="people-list">
        {items?.map((one) => (
          <li key={one.id} class="people-row" data-tablet={one.id}>
            <span>
              <strong>
                <bdi>{one.name}</bdi>
              </strong>{' '}
              · {say('people.tablet.by', { name: one.enrolledBy, at: now.time.at(one.enrolledMs, now.ms) })}{' '}
              {one.isThis && <span class="tag">{say('people.tablet.this')}</span>}
            </span>
            <SureButton
              label={say('people.tablet.revoke')}
              of={one.name}
              disabled={busy || now.stale}
              onSure={() => run(() => revokeTablet(one.id, csrf), load)}
            />
          </li>
        ))}
      </ul>
      {items !== null && !isHere && (
        <form
          class="people-form"
          onSubmit={(event) => {
            event.preventDefault();
            run(
              () => enrolTablet(name, csrf),
              () => {
                setName('');
                load();
              },
            );
          }}
        >
          <Input
            label={say('people.tablet.name')}
            type="text"
            value={name}
            onValue={setName}
            autoComplete="off"
            hint={say('people.tablet.hint')}
          />
          <button type="submit" class="primary" disabled={busy || now.stale}>
            {say('people.tablet.enrol')}
          </button>
        </form>
      )}
    </section>
  );
}
