/** What the eye knows of a fault, in the card of its alert: the picture, the needle, the metre. Nothing where it is no alert of the eye. */
import { useEffect, useState } from 'preact/hooks';
import type { Alert } from './floor-state.ts';
import { cropPath } from './client.ts';
import { useLanguage } from './language.ts';
import { openRolls } from './rolls.tsx';
import { faultFacts } from './words.ts';

/** A picture that is kept as evidence; nothing where none was kept, or where it is not here any more. */
export function Picture({ sha256, of }: { readonly sha256: unknown; readonly of: 'crop' | 'spectrogram' }) {
  const { say } = useLanguage();
  const [isGone, setIsGone] = useState(false);
  useEffect(() => setIsGone(false), [sha256]);
  if (typeof sha256 !== 'string' || isGone) return null;
  return (
    <img
      class={of}
      src={cropPath(sha256)}
      alt={say(`alerts.picture.${of}`)}
      loading="lazy"
      onError={() => setIsGone(true)}
    />
  );
}

export function Fault({ alert }: { readonly alert: Alert }) {
  const language = useLanguage();
  const facts = faultFacts(alert, language);
  const { crop, isSimulated } = alert.evidence;
  if (facts.length === 0) return null;
  return (
    <div class="fault">
      <Picture sha256={crop} of="crop" />
      <p class="alert-facts">
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
        {isSimulated === true && <span class="tag">{language.say('alerts.simulated-cloth')}</span>}
        <a
          href={`#/machine/${encodeURIComponent(alert.machine)}`}
          onClick={(event) => {
            if (openRolls(alert.machine)) event.preventDefault();
          }}
        >
          {language.say('rolls.title')}
        </a>
      </p>
    </div>
  );
}
