/**
 * Reloads the configuration when its file, or the endpoints file, changes and on SIGHUP. What needs no restart is
 * handed over at once; what does is reported and waits. A file that cannot be used changes nothing.
 */
import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Config } from './config.ts';
import { diffConfig, liveConfig, type ConfigChange } from './diff.ts';
import { loadWithRemote, type Loaded, type RemoteReport } from './load.ts';

export interface ConfigReload {
  /** What runs from now on: the configuration before, with all changes that need no restart. */
  readonly config: Config;
  /** Every difference of the file to its last good version; those with `restart` are not in `config`. */
  readonly changes: readonly ConfigChange[];
  readonly remote: RemoteReport;
}

export interface ConfigWatchOptions {
  readonly path: string;
  readonly endpoints?: string;
  /** The trial of settings from afar that is running. */
  readonly trial?: () => string | null;
  /** The configuration that runs at the start. */
  readonly config: Config;
  readonly onReload: (reload: ConfigReload) => void;
  /** The file cannot be read or used (a ConfigErrors or AgentError), or cannot be watched; what runs goes on. */
  readonly onProblem: (error: unknown) => void;
  /** Editors write a file in several steps; it is read this long after the last one. */
  readonly debounceMs?: number;
  /** Where SIGHUP comes from; `process` by default. */
  readonly signals?: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
}

export interface ConfigWatch {
  start(signal: AbortSignal): void;
  stop(): void;
  /** Reads the file now, as on SIGHUP. */
  reload(): void;
}

/** Nothing happens before `start`; `stop` (or the abort of its signal) leaves no watcher, timer or listener. */
export function watchConfig(options: ConfigWatchOptions): ConfigWatch {
  const { onReload, onProblem, debounceMs = 250, signals = process } = options;
  const files = [options.path, ...(options.endpoints === undefined ? [] : [options.endpoints])].map((f) => resolve(f));
  let running = options.config;
  let seen = options.config;
  let watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | null = null;
  let aborted: AbortSignal | null = null;

  function reload(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    let loaded: Loaded;
    try {
      const endpoints = options.endpoints === undefined ? {} : { endpoints: options.endpoints };
      loaded = loadWithRemote(options.path, { ...endpoints, trial: options.trial?.() ?? null });
    } catch (error) {
      onProblem(error);
      return;
    }
    const { config: next, remote } = loaded;
    const changes = diffConfig(seen, next);
    if (changes.length === 0) return;
    seen = next;
    running = liveConfig(running, next);
    onReload({ config: running, changes, remote });
  }

  function soon(): void {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(reload, debounceMs);
  }

  function stop(): void {
    for (const watcher of watchers) watcher.close();
    watchers = [];
    if (timer !== null) clearTimeout(timer);
    timer = null;
    signals.off('SIGHUP', reload);
    aborted?.removeEventListener('abort', stop);
    aborted = null;
  }

  function start(signal: AbortSignal): void {
    if (signal.aborted || aborted !== null) return;
    aborted = signal;
    signal.addEventListener('abort', stop, { once: true });
    signals.on('SIGHUP', reload);
    // The folder is watched, not the file: many editors replace the file, and a watch on it would follow the old one.
    for (const folder of new Set(files.map((file) => dirname(file)))) {
      const names = files.filter((file) => dirname(file) === folder).map((file) => basename(file));
      try {
        const watcher = watch(folder, (_event, name) => {
          if (name === null || names.includes(name)) soon();
        });
        watcher.on('error', onProblem);
        watchers.push(watcher);
      } catch (error) {
        onProblem(error);
      }
    }
  }

  return { start, stop, reload };
}
