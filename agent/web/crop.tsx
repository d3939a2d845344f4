/** What the eye saw of a fault, and over it where the model minds it: on until somebody turns it off, to see the cloth. */
import { useState } from 'preact/hooks';
import type { Alert } from './floor-state.ts';
import { KeptPicture, useKept } from './kept-picture.tsx';
import { useLanguage } from './language.ts';
import { heatWord } from './words.ts';

interface Props {
  readonly crop: unknown;
  /** `heatMap` and `heatPeak` of the alert's evidence. */
  readonly legend: Alert['evidence'];
}

export function Crop({ crop, legend }: Props) {
  const language = useLanguage();
  const { say } = language;
  const [isOn, setIsOn] = useState(true);
  const heat = useKept(legend['heatMap']);
  const peak = heatWord(legend, language);
  return (
    <KeptPicture
      sha256={crop}
      of="crop"
      alt={say('alerts.picture.crop')}
      over={
        heat.src !== null && isOn && <img class="heat" src={heat.src} alt={say('alerts.heat')} onError={heat.gone} />
      }
    >
      {heat.src !== null && (
        <>
          <label class="heat-switch">
            <input type="checkbox" checked={isOn} onChange={(event) => setIsOn(event.currentTarget.checked)} />
            {say('alerts.heat')}
          </label>
          {isOn && (
            <ul class="heat-legend">
              <li>
                <span class="swatch hot" aria-hidden="true" />
                {say('alerts.heat.hot')}
              </li>
              <li>
                <span class="swatch near" aria-hidden="true" />
                {say('alerts.heat.near')}
              </li>
            </ul>
          )}
        </>
      )}
      {peak !== null && <p class="hint">{peak}</p>}
    </KeptPicture>
  );
}
