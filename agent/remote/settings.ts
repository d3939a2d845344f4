/**
 * Settings from afar: on trial first, and kept only when the bridge says so over the connection that the agent has with them.
 *
 * Invariants (test/unit/remote/settings.test.ts, test/integration/set-config.test.ts):
 *  T1  Nothing is written that names a field which may not be set from afar, or with which the configuration could not be used.
 *  T2  A trial ends: confirmed while this agent works with it, or taken back `trialMs` after it came into force, or at the next start of the process.
 *  T3  Only one trial runs. What is confirmed stays as it is until the next is confirmed.
 *  T4  `apply` is called after the answer of the command had time to go out.
 */
import { diffConfig, formatChange, type ConfigChange } from '../config/diff.ts';
import type { Config } from '../config/config.ts';
import { configJsonSchema } from '../config/describe.ts';
import { ConfigErrors, type Loaded } from '../config/load.ts';
import { isRemote, localValue, pathText, type RemotePath, type RemoteSetting } from '../config/remote-fields.ts';
import { maxSettings, readRemote, settingsFor, writeRemote, type RemoteState } from '../config/remote-file.ts';
import type { EventRecord } from '../../cloud-bridge/contract.ts';
import type { Outcome } from './desk.ts';

export const trialMs = 60_000;
const answerMs = 1_000;

export interface SettingChange {
  readonly path: RemotePath;
  /** null: what was set before is taken back. */
  readonly value: string | number | boolean | null;
}

export interface SettingsPorts {
  readonly dataDir: string;
  /** The local file as plain data. */
  readonly local: () => unknown;
  /** The configuration with these settings. @throws ConfigErrors */
  readonly load: (settings: readonly RemoteSetting[]) => Loaded;
  /** Brings into force what counts now, for a running trial or for none. */
  readonly apply: (how: { readonly restart: boolean; readonly trial: string | null }) => void;
  readonly note: (event: string, data: EventRecord['data']) => void;
  readonly wallMs: () => number;
  readonly trialMs?: number;
  readonly answerMs?: number;
}

export class RemoteSettings {
  readonly #ports: SettingsPorts;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** The trial whose settings this agent works with: no other can be confirmed. */
  #inForce: string | null = null;

  constructor(ports: SettingsPorts) {
    this.#ports = ports;
  }

  /** @param trial with which this agent was started; any other is one that a kill has ended, and is taken back */
  start(trial: string | null): void {
    const state = readRemote(this.#ports.dataDir);
    if (state.trial === null) return;
    if (state.trial.id === trial) this.#runOut(trial);
    else this.#takeBack(state, 'the agent started anew');
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  propose(changes: readonly SettingChange[], from: { readonly id: string; readonly by: string }): Outcome {
    const { dataDir, local, load, wallMs, note } = this.#ports;
    const state = readRemote(dataDir);
    if (state.trial !== null) return { ok: false, code: 'trial-running', body: { id: state.trial.id } };
    const file = local();
    const schema = configJsonSchema();
    const stranger = changes.find(({ path }) => !isRemote(schema, path, file));
    if (stranger !== undefined) return { ok: false, code: 'not-remote', body: { path: stranger.path.map(String) } };
    const named = new Set(changes.map(({ path }) => pathText(path)));
    const kept = state.settings.filter(({ path }) => !named.has(pathText(path)));
    const atMs = Math.round(wallMs());
    const made = changes.flatMap(({ path, value }) =>
      value === null ? [] : [{ path, value, local: localValue(file, path), ...from, atMs }],
    );
    const settings = [...kept, ...made];
    if (settings.length > maxSettings)
      return { ok: false, code: 'config-invalid', body: { issues: ['too many settings'] } };
    let found: readonly ConfigChange[];
    try {
      found = diffConfig(this.#configWith(state.settings), load(settings).config);
    } catch (error) {
      if (!(error instanceof ConfigErrors)) throw error;
      const issues = error.issues.slice(0, 5).map(({ path, what, right }) => `${path} ${what}; right: ${right}`);
      return { ok: false, code: 'config-invalid', body: { issues } };
    }
    const needsRestart = found.some(({ restart }) => restart);
    writeRemote(dataDir, { settings: state.settings, trial: { ...from, needsRestart, settings } });
    const shown = found.map(formatChange);
    note('remote_config', { ...from, phase: 'trial', changes: shown.join('; ').slice(0, 2_000) });
    this.#later(this.#ports.answerMs ?? answerMs, () => {
      this.#ports.apply({ restart: needsRestart, trial: from.id });
      // After a restart the next agent's `start` sets it.
      if (!needsRestart) this.#runOut(from.id);
    });
    const confirmWithinS = (this.#ports.trialMs ?? trialMs) / 1000;
    return {
      ok: true,
      code: 'on-trial',
      body: { id: from.id, confirmWithinS, restarts: needsRestart, changes: shown },
    };
  }

  /** Keeps what is on trial. */
  confirm(id: string, by: string): Outcome {
    const { dataDir, note } = this.#ports;
    const { trial } = readRemote(dataDir);
    if (trial === null || trial.id !== id || this.#inForce !== id) return { ok: false, code: 'no-trial', body: {} };
    writeRemote(dataDir, { settings: trial.settings, trial: null });
    this.stop();
    note('remote_config', { id, by, phase: 'confirmed' });
    return { ok: true, code: 'confirmed', body: { id } };
  }

  /** What counts without a trial; where that cannot be used any more, the local file alone. */
  #configWith(settings: readonly RemoteSetting[]): Config {
    try {
      return this.#ports.load(settings).config;
    } catch {
      return this.#ports.load([]).config;
    }
  }

  #runOut(id: string): void {
    this.#inForce = id;
    this.#later(this.#ports.trialMs ?? trialMs, () => {
      const state = readRemote(this.#ports.dataDir);
      if (state.trial?.id !== id) return;
      const { needsRestart } = state.trial;
      this.#takeBack(state, 'nobody confirmed it in time');
      this.#ports.apply({ restart: needsRestart, trial: null });
    });
  }

  #takeBack(state: RemoteState, why: string): void {
    if (state.trial === null) return;
    const { id, by } = state.trial;
    try {
      writeRemote(this.#ports.dataDir, { settings: settingsFor(state, null), trial: null });
    } catch {
      // What is on trial counts for nobody who does not name it; the next start tries again.
    }
    this.#ports.note('remote_config', { id, by, phase: 'taken-back', why });
  }

  #later(ms: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      what();
    }, ms);
    this.#timers.add(timer);
  }
}
