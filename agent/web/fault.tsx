/** What the eye knows of a fault, in the card of its alert: the picture, the needle, the metre. Nothing where it is no alert of the eye. */
import { Crop } from './crop.tsx';
import type { Alert } from './floor-state.ts';
import { useLanguage } from './language.ts';
import { openRolls } from './rolls.tsx';
import { faultFacts } from './words.ts';

export function Fault({ alert }: { readonly alert: Alert }) {
  const language = useLanguage();
  const facts = faultFacts(alert, language);
  const { crop, isSimulated } = alert.evidence;
  if (facts.length === 0) return null;
  return (
    <div class="fault">
      <Crop crop={crop} legend={alert.evidence} />
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
