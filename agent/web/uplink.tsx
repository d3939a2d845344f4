/** Whether the cloud hears from this gateway, and what waits for it here. */
import type { UplinkView } from '../live.ts';
import { CheckIcon, LinkIcon, WarnIcon } from './icons.tsx';
import { useLanguage, type Language } from './language.ts';
import { lasted, type Now } from './times.ts';
import { reasonWord } from './words.ts';

export function Uplink({ uplink, now }: { uplink: UplinkView; now: Now }) {
  const language = useLanguage();
  const { say, number } = language;
  return (
    <section aria-labelledby="uplink-title">
      <h2 id="uplink-title">{say('uplink.title')}</h2>
      <div class={`uplink ${uplink.configured ? (uplink.connected ? 'is-up' : 'is-down') : 'is-off'}`} data-uplink>
        <p class="uplink-state">
          {uplink.configured ? uplink.connected ? <CheckIcon /> : <WarnIcon /> : <LinkIcon />}
          <span>
            <strong>{headline(uplink, now.stale, language)}</strong>
            {uplink.configured && uplink.sinceMs !== null && (
              <> {say('uplink.for', { duration: lasted(now.ms - uplink.sinceMs, language) })}</>
            )}
            {uplink.reason !== null && !uplink.connected && <>: {reasonWord(uplink.reason, language)}</>}
          </span>
        </p>
        {uplink.configured && !uplink.connected && <p class="hint">{say('uplink.goes-on')}</p>}
        <dl class="figures">
          <div>
            <dt>{say('uplink.waiting')}</dt>
            <dd>{number(uplink.outboxRecords)}</dd>
          </div>
          <div>
            <dt>{say('uplink.oldest')}</dt>
            <dd>{uplink.oldestUnackedMs === null ? '–' : lasted(now.ms - uplink.oldestUnackedMs, language)}</dd>
          </div>
          <div>
            <dt>{say('uplink.delivered')}</dt>
            <dd>{number(uplink.acked)}</dd>
          </div>
          <div>
            <dt>{say('uplink.again')}</dt>
            <dd>{number(uplink.redelivered)}</dd>
          </div>
          <div class={uplink.deadLetters > 0 ? 'figure-bad' : ''}>
            <dt>{say('uplink.refused')}</dt>
            <dd>{number(uplink.deadLetters)}</dd>
          </div>
        </dl>
      </div>
    </section>
  );
}

function headline(uplink: UplinkView, stale: boolean, { say }: Language): string {
  if (!uplink.configured) return say('uplink.none');
  const word = say(uplink.connected ? 'uplink.connected' : 'uplink.not-connected');
  return stale ? say('floor.was', { word }) : word;
}
