/** Who did what when, for an admin. */
import { useEffect, useId, useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import { actText, fetchAudit, problemText, type ActEntry, type Audit } from './people-client.ts';
import { Problem } from './people-parts.tsx';
import type { Now } from './times.ts';

export function AuditView({ now }: { readonly now: Now }) {
  const { say } = useLanguage();
  const id = useId();
  const [user, setUser] = useState('');
  const [audit, setAudit] = useState<Audit | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = (cursor: string | null): void => {
    void fetchAudit(user.trim(), cursor).then((answer) => {
      setProblem(answer.ok ? null : problemText(say, answer));
      if (!answer.ok) return;
      const { value } = answer;
      setAudit((before) => (cursor === null ? value : { ...value, items: [...(before?.items ?? []), ...value.items] }));
    });
  };
  useEffect(() => load(null), []);
  return (
    <section aria-labelledby="audit-title" class="people-part">
      <h2 id="audit-title">{say('people.audit')}</h2>
      <form
        class="people-filter"
        onSubmit={(event) => {
          event.preventDefault();
          load(null);
        }}
      >
        <div class="field">
          <label for={id}>{say('people.audit.user')}</label>
          <input
            id={id}
            type="text"
            value={user}
            autoCapitalize="none"
            spellcheck={false}
            autoComplete="off"
            onInput={(event) => setUser(event.currentTarget.value)}
          />
        </div>
        <button type="submit">{say('people.audit.show')}</button>
      </form>
      <Problem text={problem} />
      {audit !== null && audit.cut > 0 && <p class="problem">{say('people.audit.cut', { count: audit.cut })}</p>}
      {audit?.isWhole === false && audit.cut === 0 && <p class="problem">{say('people.audit.broken')}</p>}
      {audit !== null && audit.lost > 0 && <p class="problem">{say('people.audit.lost', { count: audit.lost })}</p>}
      {audit?.items.length === 0 && <p class="empty">{say('people.audit.none')}</p>}
      {audit !== null && audit.items.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={say('people.audit.table')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{say('people.audit.when')}</th>
                <th scope="col">{say('people.audit.who')}</th>
                <th scope="col">{say('people.audit.what')}</th>
                <th scope="col">{say('people.audit.about')}</th>
                <th scope="col">{say('people.audit.from')}</th>
              </tr>
            </thead>
            <tbody>
              {audit.items.map((one) => (
                <Row key={one.id} one={one} now={now} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {audit !== null && audit.next !== null && (
        <button type="button" onClick={() => load(audit.next)}>
          {say('people.audit.more')}
        </button>
      )}
    </section>
  );
}

function Row({ one, now }: { readonly one: ActEntry; readonly now: Now }) {
  const { say } = useLanguage();
  return (
    <tr>
      <td>{now.time.at(one.atMs, now.ms)}</td>
      <td>
        <bdi>{one.actor ?? say('people.audit.nobody')}</bdi>
        {one.by === 'pin' && ` (${say('people.audit.by-pin')})`}
      </td>
      <td>
        {actText(say, one.act)}{' '}
        {one.outcome === 'refused' && <span class="tag warn">{say('people.audit.refused')}</span>}
        {one.missed > 0 && ` ${say('people.audit.missed', { count: one.missed })}`}
      </td>
      <td class="people-about">
        <bdi>{one.about}</bdi>
      </td>
      <td>
        <bdi>{one.tablet === null ? one.address : `${one.tablet} · ${one.address}`}</bdi>
      </td>
    </tr>
  );
}
