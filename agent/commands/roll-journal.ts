/** Where the verbs of rolls find them: the journal of a stopped or running agent, which they never create or migrate. */
import { existsSync } from 'node:fs';
import BetterSqlite from 'better-sqlite3';
import { defaultFourPointOptions, type FourPointOptions } from '../../models/vision/four-point.ts';
import { AgentError } from '../errors.ts';
import { asStoreError } from '../store/errors.ts';
import { journalFile } from '../store/files.ts';
import { RollEvents } from '../store/roll-events.ts';
import { journalMigrations, schemaVersion } from '../store/schema.ts';

export interface RollPlaceOptions {
  readonly config?: string | undefined;
  readonly endpoints?: string | undefined;
  readonly 'data-dir'?: string | undefined;
  readonly machine?: string | undefined;
}

export interface RollSource {
  readonly dataDir: string;
  readonly machine: string;
  readonly options: FourPointOptions;
}

/** What `--config` or `--data-dir`, and `--machine` say. @throws AgentError `usage`, or what is wrong with the configuration */
export async function rollSource(values: RollPlaceOptions): Promise<RollSource> {
  const { config, endpoints, 'data-dir': dataDir, machine } = values;
  if (machine === undefined) throw new AgentError('usage', '--machine M is missing');
  if ((config === undefined) === (dataDir === undefined)) {
    throw new AgentError('usage', 'give either --config FILE or --data-dir DIR');
  }
  if (endpoints !== undefined && config === undefined) {
    throw new AgentError('usage', '--endpoints FILE needs --config FILE');
  }
  if (config === undefined) return { dataDir: dataDir ?? '', machine, options: defaultFourPointOptions };
  const { loadConfig } = await import('../config/load.ts');
  const loaded = loadConfig(config, endpoints === undefined ? {} : { endpoints });
  const found = loaded.machines.find(({ id }) => id === machine);
  const eye = found?.eye ?? found?.webEye ?? null;
  if (eye === null) throw new AgentError('usage', `--machine: ${machine} has no camera (eye:) in ${config}`);
  return { dataDir: loaded.dataDir, machine, options: { ...defaultFourPointOptions, ...eye.score } };
}

/** @throws AgentError, StoreError */
export function withRolls<T>(dataDir: string, use: (events: RollEvents) => T): T {
  const path = journalFile(dataDir);
  if (!existsSync(path)) throw new AgentError('fileUnreadable', `${path} does not exist: no agent has run there`);
  try {
    const db = new BetterSqlite(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
    try {
      if (schemaVersion(db) !== journalMigrations.length) {
        throw new AgentError(
          'storeTooNew',
          `${path} has another schema than this version; start the agent of this version once`,
        );
      }
      // One picture of a journal that goes on.
      return db.transaction(() => use(new RollEvents(db)))();
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof AgentError ? error : asStoreError(error, path);
  }
}
