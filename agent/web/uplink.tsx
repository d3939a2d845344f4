/** Whether the cloud hears from this gateway, and what waits for it here. */
import type { UplinkView } from '../live.ts';
import { CheckIcon, LinkIcon, WarnIcon } from './icons.tsx';
import { lasted, type Now } from './times.ts';
import { reasonWord } from './words.ts';

const count = (n: number) => n.toLocaleString('en').replaceAll(',', '\u202f');

export function Uplink({ uplink, now }: { uplink: UplinkView; now: Now }) {
  return (
    <section aria-labelledby="uplink-title">
      <h2 id="uplink-title">Uplink</h2>
      <div class={`uplink ${uplink.configured ? (uplink.connected ? 'is-up' : 'is-down') : 'is-off'}`} data-uplink>
        <p class="uplink-state">
          {uplink.configured ? uplink.connected ? <CheckIcon /> : <WarnIcon /> : <LinkIcon />}
          <span>
            <strong>{headline(uplink, now.stale)}</strong>
            {uplink.configured && uplink.sinceMs !== null && <> for {lasted(now.ms - uplink.sinceMs)}</>}
            {uplink.reason !== null && !uplink.connected && <>: {reasonWord(uplink.reason)}</>}
          </span>
        </p>
        {uplink.configured && !uplink.connected && (
          <p class="hint">Everything goes on here; records are kept and sent when the connection is back.</p>
        )}
        <dl class="figures">
          <div>
            <dt>Records waiting</dt>
            <dd>{count(uplink.outboxRecords)}</dd>
          </div>
          <div>
            <dt>Oldest waits</dt>
            <dd>{uplink.oldestUnackedMs === null ? '–' : lasted(now.ms - uplink.oldestUnackedMs)}</dd>
          </div>
          <div>
            <dt>Delivered</dt>
            <dd>{count(uplink.acked)}</dd>
          </div>
          <div>
            <dt>Sent again</dt>
            <dd>{count(uplink.redelivered)}</dd>
          </div>
          <div class={uplink.deadLetters > 0 ? 'figure-bad' : ''}>
            <dt>Refused by the bridge</dt>
            <dd>{count(uplink.deadLetters)}</dd>
          </div>
        </dl>
      </div>
    </section>
  );
}

function headline(uplink: UplinkView, stale: boolean): string {
  if (!uplink.configured) return 'No uplink is configured: everything stays on this gateway';
  const word = uplink.connected ? 'Connected' : 'Not connected';
  return stale ? `was: ${word}` : word;
}
