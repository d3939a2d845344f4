/** The cloth the eye of a machine is to know: what it knows of it, and teaching it while good cloth runs. */
import { useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { fetchCloth, stopTeaching, teachCloth, type ClothView } from './client.ts';
import { cureWord, knownWord, outcomeWord, progressWord } from './cloth-words.ts';
import { useLanguage } from './language.ts';
import { TeachButton, TeachingBox, useTeaching } from './teaching.tsx';
import type { Now } from './times.ts';

/** While it runs. */
const askEveryMs = 1_000;

interface Props {
  readonly machine: MachineView;
  readonly now: Now;
  /** null: this person may not teach. */
  readonly csrf: string | null;
}

export function Cloth({ machine, now, csrf }: Props) {
  const language = useLanguage();
  const { say } = language;
  const [isOpen, setOpen] = useState(false);
  const how = { isOpen, everyMs: askEveryMs, fetch: fetchCloth };
  const { known: cloth, isRunning, problem, send } = useTeaching(machine.id, csrf, how);
  return (
    <TeachingBox title={say('cloth.title')} problem={problem} onToggle={setOpen}>
      {cloth !== null && <p>{knownWord(cloth, (ms) => now.time.at(ms, now.ms), language)}</p>}
      <div role="status">
        {isRunning && cloth?.teaching && <p class="told">{progressWord(cloth.teaching, language)}</p>}
      </div>
      {cloth?.teaching?.report && <Outcome report={cloth.teaching.report} />}
      {cloth !== null && csrf !== null && !isRunning && (
        <TeachButton
          disabled={now.stale}
          words={{
            teach: say('cloth.teach'),
            teachAt: say('cloth.teach-at', { machine: machine.name }),
            what: say('cloth.teach-fabric', { fabric: cloth.fabric }),
            now: say('cloth.teach-now'),
            cancel: say('cloth.cancel'),
          }}
          onTeach={() => send(teachCloth)}
        >
          <strong>{say('cloth.only-good')}</strong> {say('cloth.takes-for-good', { fabric: cloth.fabric })}
        </TeachButton>
      )}
      {csrf !== null && isRunning && (
        <button
          type="button"
          disabled={now.stale}
          aria-label={say('cloth.stop-at', { machine: machine.name })}
          onClick={() => void send(stopTeaching)}
        >
          {say('cloth.stop')}
        </button>
      )}
    </TeachingBox>
  );
}

function Outcome({ report }: { report: NonNullable<NonNullable<ClothView['teaching']>['report']> }) {
  const language = useLanguage();
  return (
    <div class="outcome">
      <p class={report.ok ? 'told' : 'problem'}>{outcomeWord(report, language)}</p>
      {!report.ok && (
        <p>
          {cureWord(report, language)} <span class="hint">({report.message})</span>
        </p>
      )}
      {report.advice.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {report.refused.length > 0 && (
        <>
          <p>{language.say('cloth.not-learned-from')}</p>
          <ul>
            {report.refused.map(({ image, reason }) => (
              <li key={image}>
                {image}: {reason}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
