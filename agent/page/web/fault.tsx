/** What the eye knows of a fault, in the card of its alert: the picture, the needle, the metre. Nothing where it is no alert of the eye. */
import type { Alert } from './floor-state.ts';
import { cropPath } from './client.ts';
import { openRolls, rollsId } from './rolls.tsx';
import { faultFacts } from './words.ts';

export function Fault({ alert }: { readonly alert: Alert }) {
  const facts = faultFacts(alert);
  const { crop, isSimulated } = alert.evidence;
  if (facts.length === 0) return null;
  return (
    <div class="fault">
      {typeof crop === 'string' && (
        <img class="crop" src={cropPath(crop)} alt="The fault as the camera saw it, and its heat map" />
      )}
      <p class="alert-facts">
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
        {isSimulated === true && <span class="tag">Simulated cloth</span>}
        <a href={`#${rollsId(alert.machine)}`} onClick={() => openRolls(alert.machine)}>
          Roll map
        </a>
      </p>
    </div>
  );
}
