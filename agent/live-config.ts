/**
 * The configuration while the agent runs: what needs no restart takes effect at once, what does is said and waits. A file
 * with mistakes changes nothing.
 */
import type { Config } from './config/config.ts';
import { formatChange } from './config/diff.ts';
import type { RemoteReport } from './config/load.ts';
import { pathText } from './config/remote-fields.ts';
import { watchConfig, type ConfigReload } from './config/watch.ts';
import { agentErrors } from './errors.ts';
import type { Logger } from './log.ts';
import type { SiteView } from './page/source.ts';
import type { Pipeline } from './pipeline-ports.ts';
import type { ShiftCalendar } from './time/calendar.ts';
import { loadRuleSet, type RuleSet } from './rules/load.ts';

export interface LiveConfigParts {
  readonly path: string;
  readonly endpointsPath: string | undefined;
  /** The configuration at the start. */
  readonly config: Config;
  readonly log: Logger;
  readonly pipeline: Pick<Pipeline, 'setRules' | 'setLabels'>;
  /** The trial of settings from afar that is running. */
  readonly trial?: () => string | null;
  /** What the status line says. */
  readonly status: () => object;
}

export interface LiveConfig {
  /** Nothing happens before; watches the file and writes the status line until `stop` or the abort of `signal`. */
  start(signal: AbortSignal): void;
  stop(): void;
  site(): SiteView;
  /** Shifts of the site; null: it has none. */
  calendar(): ShiftCalendar | null;
  /** Reads the file now. */
  reload(): void;
}

/** The rules for all machines, with what each machine changes. */
export function rulesOf(config: Config): RuleSet {
  const own = Object.fromEntries(config.machines.map((machine) => [machine.id, machine.rules]));
  return loadRuleSet(config.rules, own);
}

export function createLiveConfig(parts: LiveConfigParts): LiveConfig {
  const { log, pipeline } = parts;
  let running = parts.config;
  let timer: NodeJS.Timeout | null = null;

  function tellStatusEvery(seconds: number): void {
    if (timer !== null) clearInterval(timer);
    timer = setInterval(() => log.info(parts.status(), 'status'), seconds * 1000);
  }

  function apply({ config: next, changes, remote }: ConfigReload): void {
    try {
      pipeline.setRules(rulesOf(next));
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the changed rules cannot be used; the old ones stay');
      return;
    }
    pipeline.setLabels(next.machines);
    if (next.log.statusEveryS !== running.log.statusEveryS) tellStatusEvery(next.log.statusEveryS);
    log.level = next.log.level;
    running = next;
    tellRemote(remote, log);
    for (const change of changes) {
      log.info(
        { change: formatChange(change), restart: change.restart },
        change.restart ? 'waits for a restart' : 'applied',
      );
    }
  }

  const watch = watchConfig({
    path: parts.path,
    ...(parts.endpointsPath === undefined ? {} : { endpoints: parts.endpointsPath }),
    config: parts.config,
    ...(parts.trial === undefined ? {} : { trial: parts.trial }),
    onReload: apply,
    onProblem: (error) =>
      log.error({ error: messageOf(error) }, 'the changed configuration cannot be used; the old one stays'),
  });

  return {
    start(signal) {
      if (signal.aborted) return;
      watch.start(signal);
      tellStatusEvery(running.log.statusEveryS);
    },
    stop() {
      watch.stop();
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
    reload: () => watch.reload(),
    site: () => ({ name: running.site.name, timeZone: running.site.timeZone, gateway: running.gateway.name }),
    calendar: () => running.site.calendar,
  };
}

/** Says what was set from afar and does not count. */
export function tellRemote({ settings, problem }: RemoteReport, log: Logger): void {
  const { code, cure } = agentErrors.remotePassedOver;
  if (problem !== null) log.warn({ code, cure, problem }, 'what was set from afar does not count');
  for (const { setting, state } of settings) {
    if (state !== 'applied')
      log.warn({ code, cure, path: pathText(setting.path), state }, 'set from afar and passed over');
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
