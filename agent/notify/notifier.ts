/**
 * Tells targets of new alerts. It looks at the present once a second and never stands in the way of the pipeline, which does not
 * know of it. Targets come from the local configuration alone.
 *
 *  R1  An alert is told of once, when it begins to wait for somebody; what was open when the agent started is no news.
 *  R2  One message a target is on its way at a time; one that takes longer than `sendTimeoutMs` failed.
 *  R3  The log has the target's name and a word of the reason: no address, secret or text of an alert.
 */
import type { NotifyTarget } from '../config/config.ts';
import { AgentError, agentErrors } from '../errors.ts';
import type { AlertView } from '../live.ts';
import { due, failed, nothingWaits, offer, sent, type Notice, type Waiting } from './plan.ts';
import { sendTimeoutMs, type Message, type Send } from './targets.ts';

const gapMs = { smtp: 60_000, webhook: 1_000 } as const;
const waitsForAck: ReadonlySet<AlertView['record']['state']> = new Set([
  'active-unacked',
  'returned-unacked',
  'latched',
]);

export interface NotifyView {
  readonly target: string;
  readonly kind: NotifyTarget['kind'];
  readonly waiting: number;
  readonly sent: number;
  readonly dropped: number;
  readonly failures: number;
  /** The last message failed. */
  readonly failing: boolean;
}

export interface Notifier {
  start(): void;
  stop(): Promise<void>;
  /** Looks at the present and sends what is due; `start` does so every `everyMs`. */
  look(): void;
  view(): readonly NotifyView[];
}

export interface NotifierPorts {
  readonly targets: readonly NotifyTarget[];
  readonly alerts: () => readonly AlertView[];
  /** Occurrences that were open before this start, which are no news; absent: those of the first look are none. */
  readonly openBefore?: ReadonlySet<string>;
  readonly machineName: (id: string) => string;
  readonly site: () => Message['site'];
  readonly gateway: string;
  readonly send: Send;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly log: { info(data: object, message: string): void; warn(data: object, message: string): void };
  readonly everyMs?: number;
}

export function createNotifier(ports: NotifierPorts): Notifier {
  const { targets, clock, log, everyMs = 1_000 } = ports;
  const waiting = new Map<string, Waiting>(targets.map(({ name }) => [name, nothingWaits]));
  const busy = new Map<string, Promise<void>>();
  const ended = new AbortController();
  let known: ReadonlySet<string> | null = ports.openBefore ?? null;
  let timer: NodeJS.Timeout | null = null;
  const of = (target: NotifyTarget): Waiting => waiting.get(target.name) ?? nothingWaits;

  async function deliver(target: NotifyTarget, notices: readonly Notice[]): Promise<void> {
    const { left } = of(target);
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(sendTimeoutMs)]);
    const message = { notices, left, atMs: clock.wallMs(), site: ports.site(), gateway: ports.gateway };
    try {
      await ports.send(target, message, signal);
      if (of(target).tries > 0) log.info({ target: target.name }, 'a target of notices takes them again');
      waiting.set(target.name, sent(of(target), notices, clock.monotonicMs(), gapMs[target.kind]));
    } catch (error) {
      const isFirst = of(target).tries === 0;
      waiting.set(target.name, failed(of(target), clock.monotonicMs(), gapMs[target.kind]));
      const { code, cure } = agentErrors.notifyRefused;
      const reason = error instanceof AgentError ? error.message : error instanceof Error ? error.name : 'failed';
      if (isFirst && !ended.signal.aborted)
        log.warn({ code, target: target.name, reason, cure }, 'notices were not taken');
    }
  }

  function look(): void {
    const all = ports.alerts();
    const open = all.filter(({ record }) => waitsForAck.has(record.state));
    const before = known;
    // One that is put aside and comes back is no news: it is known until it is over.
    const lasting = new Set(all.map(({ record }) => record.occurrence));
    const kept = [...(before ?? [])].filter((occurrence) => lasting.has(occurrence));
    known = new Set([...kept, ...open.map(({ record }) => record.occurrence)]);
    const fresh = before === null ? [] : open.filter(({ record }) => !before.has(record.occurrence));
    const now = clock.monotonicMs();
    for (const target of targets) {
      const wanted = fresh.filter(({ record }) => target.priorities.includes(record.priority));
      const notices = wanted.map(({ record }): Notice => {
        const { occurrence, machine, rule, priority, text, onsetMs } = record;
        return { occurrence, machine, name: ports.machineName(machine), rule, priority, text, onsetMs };
      });
      const next = due(offer(of(target), notices, now), now);
      waiting.set(target.name, next.state);
      if (next.notices === null || busy.has(target.name) || ended.signal.aborted) continue;
      busy.set(
        target.name,
        deliver(target, next.notices).finally(() => busy.delete(target.name)),
      );
    }
  }

  return {
    start() {
      look();
      timer ??= setInterval(look, everyMs);
    },
    async stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      ended.abort();
      await Promise.all(busy.values());
    },
    look,
    view: () =>
      targets.map((target) => {
        const { notices, sent: told, dropped, failures, tries } = of(target);
        return {
          target: target.name,
          kind: target.kind,
          waiting: notices.length,
          sent: told,
          dropped,
          failures,
          failing: tries > 0,
        };
      }),
  };
}
