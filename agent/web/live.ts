/**
 * The connection to the live stream. The browser resumes a dropped stream by itself (Last-Event-ID); what it does not do
 * is notice a half-open connection or come back after an error answer, so both are done here.
 */
import { apply, emptyFloor, type FloorState } from './floor-state.ts';

/** `live` only while heartbeats come. */
export type Connection =
  | { readonly kind: 'live' }
  | { readonly kind: 'waiting'; readonly sinceMs: number | null }
  | { readonly kind: 'signed-out' };

export interface LiveView {
  readonly floor: FloorState;
  readonly connection: Connection;
  /** Server time minus the time of this device. */
  readonly offsetMs: number;
}

const events = ['snapshot', 'machine', 'machine-gone', 'alert', 'alert-gone', 'uplink'] as const;
const silentMs = 12_000;
const retryMs = 2_000;

/** Opens the stream and tells every change; returns the way to close it. `stillSignedIn` is asked after an error answer. */
export function openLive(onChange: (view: LiveView) => void, stillSignedIn: () => Promise<boolean | null>): () => void {
  let view: LiveView = { floor: emptyFloor, connection: { kind: 'waiting', sinceMs: null }, offsetMs: 0 };
  let source: EventSource | null = null;
  let silence: number | undefined;
  let retry: number | undefined;
  let closed = false;
  let frame: number | undefined;

  const tell = (change: Partial<LiveView>): void => {
    view = { ...view, ...change };
    // Many events of one moment make one drawing.
    frame ??= window.setTimeout(() => {
      frame = undefined;
      if (!closed) onChange(view);
    }, 20);
  };
  const lost = (): void => {
    if (view.connection.kind === 'live') tell({ connection: { kind: 'waiting', sinceMs: Date.now() } });
  };
  const again = (): void => {
    source?.close();
    source = null;
    lost();
    window.clearTimeout(silence);
    window.clearTimeout(retry);
    retry = window.setTimeout(() => {
      void stillSignedIn().then((signedIn) => {
        if (closed) return;
        if (signedIn === false) tell({ connection: { kind: 'signed-out' } });
        else if (signedIn === null) again();
        else open();
      });
    }, retryMs);
  };
  const heard = (): void => {
    window.clearTimeout(silence);
    silence = window.setTimeout(again, silentMs);
  };
  const open = (): void => {
    const { lastId } = view.floor;
    source = new EventSource(lastId === null ? '/api/stream' : `/api/stream?from=${encodeURIComponent(lastId)}`);
    heard();
    for (const name of events) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        heard();
        tell({ floor: apply(view.floor, name, JSON.parse(event.data), event.lastEventId) });
      });
    }
    source.addEventListener('heartbeat', (event: MessageEvent<string>) => {
      heard();
      const { nowMs } = JSON.parse(event.data) as { readonly nowMs: number };
      tell({ connection: { kind: 'live' }, offsetMs: nowMs - Date.now() });
    });
    source.addEventListener('error', () => {
      lost();
      if (source?.readyState === EventSource.CLOSED) again();
    });
  };

  open();
  return () => {
    closed = true;
    source?.close();
    window.clearTimeout(silence);
    window.clearTimeout(retry);
    window.clearTimeout(frame);
  };
}
