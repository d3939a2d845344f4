/** What the eye knows of a fault, in the card of its alert: the picture, the needle, the metre. Nothing where it is no alert of the eye. */
import { useEffect, useState } from 'preact/hooks';
import type { Alert } from './floor-state.ts';
import { cropPath } from './client.ts';
import { openRolls, rollsId } from './rolls.tsx';
import { faultFacts } from './words.ts';

const alts = {
  crop: 'The fault as the camera saw it, and its heat map',
  spectrogram:
    'The last minute of sound: above how loud each band was, below what is louder (red) or quieter (blue) than taught',
} as const;

/** A picture that is kept as evidence; nothing where none was kept, or where it is not here any more. */
export function Picture({ sha256, of }: { readonly sha256: unknown; readonly of: keyof typeof alts }) {
  const [isGone, setIsGone] = useState(false);
  useEffect(() => setIsGone(false), [sha256]);
  if (typeof sha256 !== 'string' || isGone) return null;
  return <img class={of} src={cropPath(sha256)} alt={alts[of]} loading="lazy" onError={() => setIsGone(true)} />;
}

export function Fault({ alert }: { readonly alert: Alert }) {
  const facts = faultFacts(alert);
  const { crop, isSimulated } = alert.evidence;
  if (facts.length === 0) return null;
  return (
    <div class="fault">
      <Picture sha256={crop} of="crop" />
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
