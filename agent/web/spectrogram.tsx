/** The last minute of sound of an odd machine, with what stands out marked in it and said below it. */
import type { Alert } from './floor-state.ts';
import { KeptPicture } from './kept-picture.tsx';
import { useLanguage } from './language.ts';
import { axisOf, marksOf, oddBandsOf, type Axis, type Mark } from './sound-marks.ts';
import { markWord, oddBandWord } from './sound-words.ts';

interface Props {
  readonly spectrogram: unknown;
  /** `spectrogramAxis`, `bands` and `speed` of the alert's evidence. */
  readonly legend: Alert['evidence'];
}

export function Spectrogram({ spectrogram, legend }: Props) {
  const language = useLanguage();
  const { say } = language;
  const bands = oddBandsOf(legend);
  const axis = axisOf(legend['spectrogramAxis']);
  return (
    <KeptPicture
      sha256={spectrogram}
      of="spectrogram"
      alt={say('alerts.picture.spectrogram')}
      over={axis !== null && bands.length > 0 && <Marks axis={axis} marks={marksOf(bands, axis)} />}
    >
      {bands.length > 0 && (
        <>
          <p class="told">{say('sound.odd')}</p>
          <ul class="told odd-bands">
            {bands.map((band) => (
              <li key={`${band.what} ${band.fromHz}`}>{oddBandWord(band, language)}</li>
            ))}
          </ul>
        </>
      )}
    </KeptPicture>
  );
}

/** Where labels begin, px. */
const labelX = 18;
/** A frame stands so far outside of its band, px: what is in it stays to be seen, also where that is one row. */
const framePx = 1.5;
/** An order is a tick at both edges, for the same reason, px. */
const tickPx = 12;

/** Light on dark and dark on light: the upper half is dark and the lower one light. What it says is in the list below. */
function Marks({ axis, marks }: { readonly axis: Axis; readonly marks: readonly Mark[] }) {
  const language = useLanguage();
  const { widthPx, heightPx } = axis;
  return (
    <svg class="sound-marks" viewBox={`0 0 ${widthPx} ${heightPx}`} preserveAspectRatio="none" aria-hidden="true">
      {marks.map(({ band, rows, lines, labelY }) => {
        const last = rows.at(-1) ?? { top: labelY, bottom: labelY };
        const label = markWord(band, language);
        return (
          <g key={`${band.what} ${band.fromHz}`} class={`sound-mark ${band.what}`}>
            {rows.map(({ top, bottom }) => {
              const at = { x: 1, y: top - framePx, width: widthPx - 2, height: bottom - top + 2 * framePx };
              return (
                <g key={top} class="sound-band">
                  <rect class="halo" {...at} />
                  <rect class="edge" {...at} />
                </g>
              );
            })}
            {lines.map((y) => (
              <path key={y} class="order" d={`M0 ${y}h${tickPx}M${widthPx - tickPx} ${y}h${tickPx}`} />
            ))}
            <path class="lead" d={`M1 ${(last.top + last.bottom) / 2}L${labelX - 3} ${labelY}`} />
            <text x={labelX} y={labelY} dominant-baseline="central">
              {label}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
