/**
 * Server-sent events (HTML standard, 9.2) to the open pages: changes as they come, a heartbeat, and resume by
 * Last-Event-ID.
 *
 *  T1  No page, no work: the present is looked at only while somebody watches; a new or returning page brings it up to
 *      date first.
 *  T2  A page that does not read holds at most `maxQueuedBytes` of memory; then it misses events (counted) and gets a
 *      snapshot when it reads again, or is cut off after `maxLagMs`.
 *  T3  A page whose session ended gets nothing more within a heartbeat.
 *  T4  An alert does not wait for the next look: whoever changes one says so, and it is sent within `alertDelayMs`; many that change
 *      together are one look.
 */
import type { ServerResponse } from 'node:http';
import { createFeed, type FeedEvent, type Floor } from './feed.ts';
import type { PageClock } from './source.ts';

export interface StreamSettings {
  /** How often the present is looked at. */
  readonly intervalMs: number;
  /** How long a change of an alert waits for others. */
  readonly alertDelayMs: number;
  readonly heartbeatMs: number;
  readonly maxClients: number;
  readonly maxQueuedBytes: number;
  readonly maxLagMs: number;
}
export const defaultStream: StreamSettings = {
  intervalMs: 1_000,
  alertDelayMs: 20,
  heartbeatMs: 5_000,
  maxClients: 32,
  maxQueuedBytes: 1_000_000,
  maxLagMs: 60_000,
};

export interface StreamCounts {
  readonly clients: number;
  readonly resumed: number;
  readonly snapshots: number;
  readonly overflows: number;
}

export interface Stream {
  /** Serves `response` until it closes; false when there are too many already. `isAllowed` is asked at each heartbeat. */
  attach(response: ServerResponse, lastId: string | null, isAllowed: () => Promise<boolean>): boolean;
  /** Says that an alert has changed, which must not wait. */
  poke(): void;
  counts(): StreamCounts;
  /** Ends every response. */
  stop(): void;
}

interface Client {
  readonly response: ServerResponse;
  readonly isAllowed: () => Promise<boolean>;
  /** Monotonic time since which it has not kept up, or null. */
  lagSinceMs: number | null;
}

const wire = (event: FeedEvent) => `id: ${event.id}\nevent: ${event.event}\ndata: ${event.data}\n\n`;

export function createStream(options: {
  readonly floor: () => Floor;
  readonly alerts: () => Floor['alerts'];
  readonly clock: PageClock;
  /** Random, per process start. */
  readonly epoch: string;
  readonly settings?: Partial<StreamSettings>;
}): Stream {
  const { floor, alerts, clock, epoch } = options;
  const settings = { ...defaultStream, ...options.settings };
  const feed = createFeed(epoch);
  const clients = new Set<Client>();
  const counts = { resumed: 0, snapshots: 0, overflows: 0 };
  let poked: NodeJS.Timeout | null = null;
  let timers: { readonly look: NodeJS.Timeout; readonly beat: NodeJS.Timeout } | null = null;

  const drop = (client: Client): void => {
    clients.delete(client);
    if (clients.size === 0 && timers !== null) {
      clearInterval(timers.look);
      clearInterval(timers.beat);
      timers = null;
      if (poked !== null) clearTimeout(poked);
      poked = null;
    }
  };
  const send = (client: Client, text: string): void => {
    if (client.response.writableLength > settings.maxQueuedBytes) {
      client.lagSinceMs = clock.monotonicMs();
      counts.overflows += 1;
      return;
    }
    client.response.write(text);
  };
  const sendSnapshot = (client: Client): void => {
    counts.snapshots += 1;
    send(client, wire(feed.snapshot(clock.nowMs())));
  };

  const lookAtAlerts = (): void => {
    poked = null;
    const text = feed.updateAlerts(alerts()).map(wire).join('');
    if (text === '') return;
    for (const client of clients) if (client.lagSinceMs === null) send(client, text);
  };
  const look = (): void => {
    const text = feed.update(floor()).map(wire).join('');
    for (const client of clients) {
      if (client.lagSinceMs === null) {
        if (text !== '') send(client, text);
      } else if (client.response.writableLength === 0) {
        client.lagSinceMs = null;
        sendSnapshot(client);
      } else if (clock.monotonicMs() - client.lagSinceMs > settings.maxLagMs) {
        client.response.destroy();
      }
    }
  };
  const heartbeat = () => `event: heartbeat\ndata: {"nowMs":${Math.round(clock.nowMs())}}\n\n`;
  const beat = (): void => {
    const text = heartbeat();
    for (const client of clients) {
      if (client.lagSinceMs === null) send(client, text);
      client.isAllowed().then(
        (allowed) => {
          if (!allowed) client.response.end();
        },
        () => client.response.end(),
      );
    }
  };

  return {
    attach(response, lastId, isAllowed) {
      if (clients.size >= settings.maxClients) return false;
      const client: Client = { response, isAllowed, lagSinceMs: null };
      // Up to date first, so that nobody gets an event twice or misses what happened while nobody watched.
      look();
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.write('retry: 1000\n\n' + heartbeat());
      const missed = feed.since(lastId);
      if (missed === null) {
        sendSnapshot(client);
      } else {
        counts.resumed += 1;
        if (missed.length > 0) send(client, missed.map(wire).join(''));
      }
      clients.add(client);
      response.on('close', () => drop(client));
      response.on('error', () => drop(client));
      timers ??= { look: setInterval(look, settings.intervalMs), beat: setInterval(beat, settings.heartbeatMs) };
      return true;
    },
    poke() {
      if (clients.size > 0) poked ??= setTimeout(lookAtAlerts, settings.alertDelayMs);
    },
    counts: () => ({ clients: clients.size, ...counts }),
    stop() {
      for (const client of clients) {
        client.response.end();
        drop(client);
      }
    },
  };
}
